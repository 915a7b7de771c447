// How the gateway continues an answer that broke off.

import type { ChatChunk, ChatRequest, Model } from "@fallback/stream/gateway";
import { continueText } from "@fallback/stream/openai";
import { step, wire, type WireScript } from "@fallback/stream/testing";
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { asContinuable } from "../../src/gateway/_continuable_model.ts";
import { DeliveredText } from "../../src/gateway/_delivered_text.ts";
import { createAttempt } from "../_test_attempt.ts";
import { chain, chatRequest, eventsOf, messages } from "./_client.ts";

const chunk = (delta: object, more: object = {}) =>
  ({
    id: "c1",
    created: 7,
    choices: [{ index: 0, delta }],
    ...more,
  }) as ChatChunk;
const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
const delivered = "Once upon a time there was a young queen ";
/** A text that breaks off after four tokens. */
const broken: WireScript = [
  chunk({ content: delivered }),
  { choices: [], usage },
  step.truncate(),
];

Deno.test("gateway() continues an interrupted text, with one id and the usage of both parts", async () => {
  const { handler, providers } = chain(
    [
      broken,
      [
        chunk({ content: delivered }, { id: "c2" }),
        chunk({ content: "who could code." }, { id: "c2", created: 8 }),
        wire.finish(),
        { choices: [], usage },
      ],
    ],
    { continueCutAnswers: true },
  );
  const answer = await (await handler(chatRequest())).json();
  assertEquals(
    [
      answer.choices[0].message.content,
      answer.id,
      answer.created,
      answer.usage.completion_tokens,
    ],
    [delivered + "who could code.", "c1", 7, 8],
  );
  assertEquals(providers[1]!.calls[0]!.body, {
    messages: [...messages, {
      role: "assistant",
      content: delivered.trimEnd(),
    }],
    model: "model-1",
    stream: true,
    stream_options: { include_usage: true },
  });
});

Deno.test("gateway() continues all of a text whose deltas have other fields, too", async () => {
  const others = {
    tool_calls: [],
    annotations: [{ url: "https://example.com" }],
    images: [],
    provider_specific_fields: { a: 1 },
    channel: "final",
  };
  for (const [name, value] of Object.entries(others)) {
    const pieces = ["Once upon a time ", "there was a ", "queen who"]
      .map((content) => chunk({ content, [name]: value }));
    const { handler, providers } = chain(
      [[...pieces, step.truncate()], [" could code."]],
      { continueCutAnswers: true },
    );
    const answer = await (await handler(chatRequest())).json();
    const text = "Once upon a time there was a queen who";
    assertEquals(
      answer.choices[0].message.content,
      `${text} could code.`,
      name,
    );
    assertEquals(
      (providers[1]!.calls[0]!.body as ChatRequest).messages.at(-1)?.content,
      text,
      name,
    );
  }
});

Deno.test("gateway() continues only a text, with the tokens that are left", async () => {
  const limits = ["max_tokens", "max_completion_tokens"];
  const cases: [body: object, limits: object | undefined, WireScript?][] = [
    [{ n: 1, response_format: { type: "text" }, logprobs: false }, {}],
    [{ n: null, audio: null, response_format: null }, {}],
    [{ max_tokens: 10, max_completion_tokens: null }, {
      max_tokens: 6,
      max_completion_tokens: null,
    }],
    [{ max_tokens: null, max_completion_tokens: 5 }, {
      max_tokens: null,
      max_completion_tokens: 1,
    }],
    // Nothing is left.
    [{ max_tokens: 4 }, undefined],
    [{ n: 2 }, undefined],
    [{ response_format: { type: "json_object" } }, undefined],
    [{ logprobs: true }, undefined],
    [{ audio: { voice: "alloy" } }, undefined],
    [{}, undefined, [
      chunk({ tool_calls: [{ index: 0, function: { name: "f" } }] }),
      { choices: [], usage },
      step.truncate(),
    ]],
    // It is not known how many tokens were used.
    [{ max_tokens: 4 }, { max_tokens: 4 }, [
      chunk({ content: delivered }),
      step.truncate(),
    ]],
  ];
  for (const continueCutAnswers of [true, false]) {
    for (const [body, expected, script = broken] of cases) {
      const { handler, providers } = chain([script, ["the end"]], {
        continueCutAnswers,
      });
      const request = chatRequest({ ...body, stream: true });
      const last = (await eventsOf(await handler(request))).at(-1);
      const sent = providers[1]!.calls.map(({ body }) =>
        Object.fromEntries(
          Object.entries(body as object).filter(([name]) =>
            limits.includes(name)
          ),
        )
      );
      if (continueCutAnswers && expected) {
        assertEquals([last, sent], ["[DONE]", [expected]]);
      } else {
        assertEquals([last.error?.code, sent], ["stream_interrupted", []]);
      }
    }
  }
});

Deno.test("gateway() sends a continuation without a prefill to a model that rejects prefills, and remembers that", async () => {
  const requests: number[] = [];
  async function* broken() {
    yield chunk({ content: "Half an " });
    throw new Error("reset");
  }
  async function rejectsPrefill({ messages }: ChatRequest) {
    requests.push(messages.length);
    if (messages.at(-1)?.role === "assistant") {
      throw Object.assign(new Error("no prefill"), { status: 400 });
    }
    // It begins again, which is expected only of a model that was asked.
    return await Promise.resolve([
      chunk({ content: "Half an answer" }),
      chunk({}, { choices: [{ delta: {}, finish_reason: "stop" }] }),
    ]).then(ReadableStream.from<ChatChunk>);
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

Deno.test("gateway() treats a model with an unknown property continuation as one with a prefill", async () => {
  async function* cut() {
    yield chunk({ content: "Half an " });
    throw new Error("reset");
  }
  async function* stream() {
    yield chunk({ content: "answer" });
    yield chunk({}, { choices: [{ delta: {}, finish_reason: "stop" }] });
  }
  for (const continuation of [null, "none"]) {
    const model = { name: "b", stream, continuation };
    const { handler } = chain([], {
      models: { chat: [cut, model] },
      continueCutAnswers: true,
    });
    const answer = await (await handler(chatRequest())).json();
    assertEquals(answer.choices[0].message.content, "Half an answer");
  }
});

const request: ChatRequest = { messages };
const continuation = continueText(request, [chunk({ content: "Half" })])!;
const asked = continueText(request, [chunk({ content: "Half" })], {
  as: "ask",
})!;

/** A model whose calls fail in turn with these statuses; 0 is no failure. */
function failingModel(...statuses: number[]) {
  const requests: ChatRequest[] = [];
  const source = new ReadableStream<ChatChunk>();
  const model: Model<ChatRequest, ChatChunk> = {
    name: "m",
    stream(each) {
      requests.push(each);
      const status = statuses.shift();
      if (!status) return source;
      return Promise.reject(
        Object.assign(new Error(`${status}`), { status }),
      );
    },
  };
  return { model, requests, source };
}

Deno.test("asContinuable() asks a model to continue that refuses a prefill with 400 or 422", async () => {
  await using attempt = createAttempt();
  for (const status of [400, 422]) {
    const { model, requests, source } = failingModel(status, 0, 0, 0);
    const continuable = asContinuable(model, request);
    assertEquals(continuable.continuation, "prefill");
    for (const each of [continuation, continuation, request]) {
      assertStrictEquals(
        await continuable.stream(each, attempt.context),
        source,
      );
      assertEquals(continuable.continuation, "ask");
    }
    assertEquals(requests, [continuation, asked, asked, request]);
  }
});

Deno.test("asContinuable() does not ask after another failure, after an abort, or for a new request", async () => {
  for (
    const [each, ...statuses] of [
      [continuation, 401],
      [continuation, 423],
      [request, 400],
      [continuation, 400, 500],
    ] as const
  ) {
    await using attempt = createAttempt();
    const { model, requests } = failingModel(...statuses);
    const continuable = asContinuable(model, request);
    const stream = async () => await continuable.stream(each, attempt.context);
    await assertRejects(stream, Error, `${statuses.at(-1)}`);
    assertEquals(requests.length, statuses.length);
    assertEquals(continuable.continuation, "prefill");
  }
  await using attempt = createAttempt();
  attempt.abort();
  const { model, requests } = failingModel(400);
  const continuable = asContinuable(model, request);
  await assertRejects(async () =>
    await continuable.stream(continuation, attempt.context)
  );
  assertEquals(requests, [continuation]);
});

Deno.test("asContinuable() keeps the name and the functions of a model, called as its methods", () => {
  class Whole implements Model<ChatRequest, ChatChunk> {
    name = "n";
    modelId = "i";
    provider = "p";
    answer = true;
    stream = () => new ReadableStream<ChatChunk>();
    isContent({ id }: ChatChunk) {
      return id === "content" && this.answer;
    }
    isFinal({ id }: ChatChunk) {
      return id === "final" && this.answer;
    }
    usage({ created }: ChatChunk) {
      return this.answer ? { inputTokens: created! } : undefined;
    }
  }
  const model = asContinuable(new Whole(), request);
  const { name, modelId, provider } = model;
  assertEquals([name, modelId, provider], ["n", "i", "p"]);
  const chunks = ["content", "final"].map((id) => chunk({}, { id }));
  assertEquals(
    chunks.map((each) => [model.isContent!(each), model.isFinal!(each)]),
    [[true, false], [false, true]],
  );
  assertEquals(model.usage!(chunk({})), { inputTokens: 7 });
  const { stream } = new Whole();
  const bare = asContinuable({ name, stream }, request);
  assertEquals(
    ["isContent", "isFinal", "usage"].filter((name) => name in bare),
    [],
  );
  const own = { name, stream, continuation: "ask" };
  assertStrictEquals<unknown>(asContinuable(own, request), own);
});

/** What is kept of answers with these chunks. */
function kept(...chunks: object[]) {
  const text = new DeliveredText();
  for (const each of chunks) text.add(each as ChatChunk);
  return { chunks: text.chunks(), usedTokens: text.usedTokens };
}

const folded = (content: string, more: object = {}) => ({
  ...more,
  choices: [{ index: 0, delta: { content } }],
});

Deno.test("DeliveredText folds texts into one chunk, with the first id and the last usage", () => {
  assertEquals<unknown>(kept(), {
    chunks: [folded("")],
    usedTokens: undefined,
  });
  assertEquals<unknown>(
    kept(
      { created: 5, choices: [{ delta: { role: "assistant", content: "" } }] },
      chunk({ content: null, reasoning: "x", reasoning_content: "y" }, {
        usage: { completion_tokens: 1 },
      }),
      chunk({ reasoning_details: [1], tool_calls: undefined, refusal: null }, {
        id: "c2",
        usage,
      }),
      chunk({ content: "a" }, { usage: null }),
      chunk({ content: 4 }, { id: "c3", created: 9 }),
      { choices: [{ index: 0 }] },
    ),
    { chunks: [folded("a4", { id: "c1", created: 7, usage })], usedTokens: 4 },
  );
  assertEquals<unknown>(kept(chunk({}, { created: undefined })).chunks, [
    folded("", { id: "c1" }),
  ]);
});

Deno.test("DeliveredText keeps the first chunk that is more than a text", () => {
  const others = [
    chunk({ content: [{ type: "text", text: "a" }] }),
    chunk({ content: { text: "a" } }),
    chunk({ content: true }),
    chunk({ tool_calls: [{}] }),
    chunk({ content: "b", refusal: "no" }),
    { choices: [{ index: 1, delta: { content: "b" } }] },
  ];
  for (const other of others) {
    const second = chunk({ audio: {} });
    const { chunks } = kept(
      { choices: [{ delta: { content: "a" } }] },
      other,
      second,
    );
    assertEquals(chunks.length, 2);
    assertStrictEquals<unknown>(chunks[1], other);
    assertEquals(chunks[0]!.choices, folded("a").choices);
  }
});
