// What a client gets when a model answers: events, one complete answer, usage, and
// the end of an interrupted answer.

import type { ChatChunk } from "@fallback/stream/gateway";
import {
  step,
  virtualTime,
  wire,
  type WireScript,
} from "@fallback/stream/testing";
import { assert, assertEquals } from "@std/assert";
import { chain, chatRequest, eventsOf, providerError } from "./_client.ts";

const chunk = (delta: object, more: object = {}) => ({
  id: "c1",
  object: "chat.completion.chunk",
  created: 7,
  model: "real",
  choices: [{ index: 0, delta, finish_reason: null }],
  ...more,
});
const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };

Deno.test("gateway() streams the fallback's chunks with unknown fields, then [DONE]", async () => {
  const { handler } = chain([
    providerError(529),
    [chunk({ content: "Hi", x_new: 1 }, { system_fingerprint: "f" })],
  ]);
  const response = await handler(chatRequest({ stream: true }));
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  assert(response.headers.get("x-request-id"));
  const [first, finish, done, ...rest] = await eventsOf(response);
  assertEquals(
    first,
    chunk({ content: "Hi", x_new: 1 }, { system_fingerprint: "f" }),
  );
  assertEquals(finish.choices[0].finish_reason, "stop");
  assertEquals([done, ...rest], ["[DONE]"]);
});

Deno.test("gateway() sends usage only if the client requests it, and no chunk for [DONE]", async () => {
  const bare: WireScript = [
    chunk({ content: "Hi" }),
    { choices: [], usage },
    wire.raw("data: [DONE]\n\n"),
    step.truncate(),
  ];
  const withUsage = { stream: true, stream_options: { include_usage: true } };
  for (
    const [body, expected] of [[{ stream: true }, 0], [withUsage, 1]] as const
  ) {
    const { handler } = chain([bare]);
    const events = await eventsOf(await handler(chatRequest(body)));
    assertEquals(events.filter((event) => event.usage).length, expected);
    assertEquals(events.length, 2 + expected);
  }
});

Deno.test("gateway() sends the chunks of one packet in one write", async () => {
  const packet = [0, 1, 2, 3].map((i) => chunk({ content: `${i}` }));
  const { handler } = chain([[
    wire.packet(...packet),
    wire.packet(chunk({ content: "4" })),
  ]]);
  const { body } = await handler(chatRequest({ stream: true }));
  const writes: number[] = [];
  for await (const bytes of body!) {
    writes.push(new TextDecoder().decode(bytes).split("data: ").length - 1);
  }
  assertEquals(writes.slice(0, 2), [4, 1]);
});

Deno.test("gateway() ends an interrupted answer with an error, and no [DONE]", async () => {
  const cases: [WireScript, status: number, message: string, code: string][] = [
    [
      [chunk({ content: "Half" }), step.truncate()],
      502,
      "The answer broke off before it was complete.",
      "stream_interrupted",
    ],
    [
      [chunk({ content: "Half" }), step.hang()],
      504,
      "The model stopped sending its answer.",
      "timeout",
    ],
  ];
  for (const [script, status, message, code] of cases) {
    await virtualTime(async () => {
      const { handler } = chain([script], {
        fallback: { timeouts: { idleMs: 1 } },
        heartbeatMs: 0,
      });
      const error = { message, type: "provider_error", code };
      const streamed = await handler(chatRequest({ stream: true }));
      assertEquals(await eventsOf(streamed), [chunk({ content: "Half" }), {
        error,
      }]);
      const whole = await handler(chatRequest());
      assertEquals([whole.status, await whole.json()], [status, {
        error: { ...error, param: null },
      }]);
      assertEquals(whole.headers.get("x-should-retry"), "false");
    });
  }
});

Deno.test("gateway() collects a stream into one answer", async () => {
  const { handler } = chain([[
    chunk({ content: "It " }),
    chunk({ content: "rains" }),
    wire.finish(),
    { choices: [], usage },
  ]]);
  const response = await handler(chatRequest());
  assertEquals([response.status, await response.json()], [200, {
    id: "c1",
    object: "chat.completion",
    created: 7,
    model: "real",
    choices: [{
      index: 0,
      message: { role: "assistant", content: "It rains", refusal: null },
      logprobs: null,
      finish_reason: "stop",
    }],
    usage,
  }]);
});

Deno.test("gateway() shows model and attempts only with exposeModels", async () => {
  async function* model() {
    yield chunk({ content: "Hi" }) as ChatChunk;
  }
  const named = { name: "modèle\u{1F600}\ud800 100%", stream: model };
  for (const exposeModels of [undefined, false, true]) {
    const { handler } = chain([], {
      models: { chat: [() => Promise.reject(new Error("down")), named] },
      exposeModels,
    });
    for (const stream of [false, true]) {
      const { headers, body } = await handler(chatRequest({ stream }));
      await body?.cancel();
      assertEquals(
        [headers.get("x-fallback-model"), headers.get("x-fallback-attempts")],
        exposeModels
          ? ["mod%C3%A8le%F0%9F%98%80%EF%BF%BD%20100%25", "2"]
          : [null, null],
      );
    }
  }
});
