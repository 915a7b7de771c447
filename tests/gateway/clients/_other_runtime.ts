// Runs in Node and Bun: calls the handler with a fake provider, without a network.
// Prints what a client gets.

import { gateway } from "../../../src/gateway/mod.ts";
import { openaiModel } from "../../../src/openai/mod.ts";

const data = (value: object) => `data: ${JSON.stringify(value)}\n\n`;
const answer = (text: string) =>
  new Response(
    data({ choices: [{ index: 0, delta: { content: text } }] }) +
      data({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }) +
      "data: [DONE]\n\n",
  );

const handler = gateway({
  models: {
    chat: [
      openaiModel({
        model: "down",
        fetch: () => Promise.resolve(new Response("", { status: 503 })),
      }),
      openaiModel({ model: "up", fetch: () => Promise.resolve(answer("Hi")) }),
    ],
  },
  authorize: "anyone",
});

for (const stream of [true, false]) {
  const response = await handler(
    new Request("http://localhost/v1/chat/completions", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        model: "chat",
        stream,
        messages: [{ role: "user", content: "hi" }],
      }),
    }),
  );
  const text = await response.text();
  const isRight = stream
    ? /"content":"Hi"[^]*data: \[DONE\]\n\n$/.test(text)
    : JSON.parse(text).choices[0].message.content === "Hi";
  console.log(`${response.status} ${isRight}`);
}
