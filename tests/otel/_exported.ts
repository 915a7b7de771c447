// A process with Deno's own exporter: one model refuses, the next one answers,
// both over HTTP.

import { fallbackStream } from "@fallback/stream";
import { openaiModel } from "@fallback/stream/openai";
import { instrument } from "@fallback/stream/otel";

const [baseURL] = Deno.args;
const models = ["gpt", "llama"].map((model) =>
  openaiModel({ model, baseURL: baseURL!, apiKey: "a secret" })
);
const request = {
  messages: [{ role: "user" as const, content: "the question" }],
};
await using stream = await fallbackStream(models, request, {
  onEvent: instrument(),
});
for await (const _ of stream);
