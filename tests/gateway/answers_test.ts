// What a client gets when a model answers: events, one complete answer, usage, and
// the end of an interrupted answer.

import type { ChatChunk, ChatRequest } from "@fallback/stream/gateway";
import { step, wire, type WireScript } from "@fallback/stream/testing";
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

Deno.test("gateway() ends an interrupted answer with an error event and no [DONE]", async () => {
  const { handler } = chain([[chunk({ content: "Half" }), step.truncate()]]);
  const events = await eventsOf(await handler(chatRequest({ stream: true })));
  assertEquals(events.length, 2);
  assertEquals(Object.keys(events[1].error), ["message", "type", "code"]);
  assertEquals(events[1].error.type, "provider_error");
  assertEquals(events[1].error.code, "stream_interrupted");
});

Deno.test("gateway() ends a stalled answer with an error event with the code timeout", async () => {
  const { handler } = chain([[chunk({ content: "Half" }), step.hang()]], {
    fallback: { timeouts: { idleMs: 1 } },
  });
  const events = await eventsOf(await handler(chatRequest({ stream: true })));
  assertEquals(events.at(-1).error.code, "timeout");
  const whole = await handler(chatRequest());
  assertEquals([whole.status, (await whole.json()).error.code], [
    504,
    "timeout",
  ]);
});

Deno.test("gateway() collects a stream into one answer: text, reasoning, tool calls, choices, logprobs, usage", async () => {
  const { handler } = chain([[
    chunk({ role: "assistant", content: "", reasoning_content: "Hm" }),
    chunk({ reasoning_content: "m." }),
    chunk({ content: "It " }),
    chunk({ content: "rains" }),
    chunk({
      tool_calls: [{
        index: 0,
        id: "t0",
        type: "function",
        function: { name: "rain", arguments: "" },
      }],
    }),
    chunk({ tool_calls: [{ index: 0, function: { arguments: '{"in":' } }] }),
    chunk({
      tool_calls: [
        { index: 0, function: { arguments: '"Rome"}' } },
        {
          index: 1,
          id: "t1",
          type: "function",
          function: { name: "sun", arguments: "{}" },
        },
      ],
    }),
    chunk({}, {
      choices: [{
        index: 0,
        delta: {},
        finish_reason: "tool_calls",
        logprobs: { content: [{ token: "It" }] },
      }],
    }),
    chunk({}, {
      choices: [{
        index: 1,
        delta: { content: "Or not" },
        finish_reason: "stop",
      }],
    }),
    { choices: [], usage },
  ]]);
  const response = await handler(chatRequest({ n: 2 }));
  assertEquals(response.status, 200);
  const answer = await response.json();
  assertEquals(
    [answer.object, answer.id, answer.created, answer.model],
    ["chat.completion", "c1", 7, "real"],
  );
  assertEquals(answer.usage, usage);
  assertEquals(answer.choices, [
    {
      finish_reason: "tool_calls",
      logprobs: { content: [{ token: "It" }] },
      index: 0,
      message: {
        role: "assistant",
        content: "It rains",
        refusal: null,
        reasoning_content: "Hmm.",
        tool_calls: [
          {
            index: 0,
            id: "t0",
            type: "function",
            function: { name: "rain", arguments: '{"in":"Rome"}' },
          },
          {
            index: 1,
            id: "t1",
            type: "function",
            function: { name: "sun", arguments: "{}" },
          },
        ],
      },
    },
    {
      finish_reason: "stop",
      index: 1,
      logprobs: null,
      message: { role: "assistant", content: "Or not", refusal: null },
    },
  ]);
});

Deno.test("gateway() shows model and attempts only with exposeModels", async () => {
  for (const exposeModels of [false, true]) {
    const { handler } = chain([providerError(500), ["Hi"]], { exposeModels });
    for (const stream of [false, true]) {
      const { headers, body } = await handler(chatRequest({ stream }));
      await body?.cancel();
      assertEquals(
        [headers.get("x-fallback-model"), headers.get("x-fallback-attempts")],
        exposeModels ? ["model-1", "2"] : [null, null],
      );
    }
  }
});

Deno.test("gateway() continues an interrupted text, with one id and the usage of both parts", async () => {
  const delivered = "Once upon a time there was a young queen ";
  const { handler, providers } = chain(
    [
      [
        { ...chunk({ content: delivered }), id: "first" },
        { choices: [], usage },
        step.truncate(),
      ],
      [
        { ...chunk({ content: delivered }), id: "second" },
        { ...chunk({ content: "who could code." }), id: "second" },
        wire.finish(),
        { choices: [], usage },
      ],
    ],
    { continueCutAnswers: true },
  );
  const answer = await (await handler(chatRequest({ max_tokens: 10 }))).json();
  assertEquals(
    answer.choices[0].message.content,
    delivered + "who could code.",
  );
  assertEquals([answer.id, answer.usage.completion_tokens], ["first", 8]);
  const [call] = providers[1]!.calls;
  const { messages, max_tokens } = call!.body as Record<string, unknown>;
  assertEquals(max_tokens, 6);
  assertEquals((messages as object[]).length, 2);
});

Deno.test("gateway() does not continue tool calls, structured output or several choices", async () => {
  const cases: [object, object][] = [
    [{ tool_calls: [{ index: 0, function: { name: "f" } }] }, {}],
    [{ content: "{" }, { response_format: { type: "json_object" } }],
    [{ content: "a" }, { n: 2 }],
  ];
  for (const [delta, body] of cases) {
    const { handler, providers } = chain(
      [[chunk(delta), step.truncate()], ["never"]],
      { continueCutAnswers: true },
    );
    const events = await eventsOf(
      await handler(chatRequest({ ...body, stream: true })),
    );
    assertEquals(events.at(-1).error.code, "stream_interrupted");
    assertEquals(providers[1]!.calls.length, 0);
  }
});

Deno.test("gateway() sends a continuation without a prefill to a model that rejects prefills, and remembers that", async () => {
  const requests: number[] = [];
  async function* broken() {
    yield chunk({ content: "Half an " }) as ChatChunk;
    throw new Error("reset");
  }
  async function rejectsPrefill({ messages }: ChatRequest) {
    requests.push(messages.length);
    if (messages.at(-1)?.role === "assistant") {
      throw Object.assign(new Error("no prefill"), { status: 400 });
    }
    return await Promise.resolve([
      chunk({ content: "answer" }),
      chunk({}, { choices: [{ delta: {}, finish_reason: "stop" }] }),
    ] as ChatChunk[]).then(ReadableStream.from<ChatChunk>);
  }
  const { handler } = chain([], {
    models: { chat: [broken, rejectsPrefill] },
    continueCutAnswers: true,
  });
  for (let i = 0; i < 2; i++) {
    const answer = await (await handler(chatRequest())).json();
    assertEquals(answer.choices[0].message.content, "Half an answer");
  }
  assertEquals(requests, [2, 3, 3]);
});
