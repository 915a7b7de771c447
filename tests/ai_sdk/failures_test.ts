// How failures of models reach the callers of the SDK.

import { APICallError } from "@ai-sdk/provider";
import {
  AllModelsFailedError,
  attemptsOf,
  EmptyStreamError,
  hasStatus,
  ModelTimeoutError,
  TruncatedStreamError,
} from "@fallback/stream";
import { createJournal, step, virtualTime } from "@fallback/stream/testing";
import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  answer,
  chainOf,
  delta,
  OPENING,
  type Part,
  REQUEST,
  type Sdk,
  START,
  STOP,
  testSdk,
} from "./_sdk.ts";

const overloaded = new Error("overloaded");

/** Reads a stream, and collects the errors of `onError` and of the parts. */
async function readWithErrors(sdk: Sdk, model: ReturnType<typeof chainOf>) {
  const reported: unknown[] = [];
  const result = sdk.ai.streamText({
    model,
    prompt: "Hi",
    maxRetries: 0,
    onError: ({ error }) => void reported.push(error),
  });
  const parts = await Array.fromAsync(result.fullStream);
  return {
    result,
    reported,
    errors: parts.flatMap((part) => part.type === "error" ? [part.error] : []),
    text: parts.map((part) => part.type === "text-delta" ? part.text : "")
      .join(""),
  };
}

const ends = {
  "an error part": [{ type: "error", error: overloaded } as Part],
  "an error part and a finish": [
    { type: "error", error: overloaded } as Part,
    STOP,
  ],
  "a stream that breaks": [step.fail(overloaded)],
};

for (const [name, end] of Object.entries(ends)) {
  testSdk(
    `streamText() passes ${name} after content to onError, and keeps the text so far`,
    async (sdk) => {
      const journal = createJournal();
      const script = [...OPENING, delta("Hel"), ...end];
      const model = chainOf(sdk, [script, answer("never")], {}, journal);
      const { result, reported, errors, text } = await readWithErrors(
        sdk,
        model,
      );
      assertEquals(reported.length, 1);
      assertStrictEquals(reported[0], overloaded);
      assertStrictEquals(errors[0], overloaded);
      assertEquals(text, "Hel");
      assertEquals(await result.text, "Hel");
      assertEquals(await result.finishReason, "error");
      assertEquals(attemptsOf(overloaded).map(({ outcome }) => outcome), [
        "interrupted",
      ]);
      journal.assertClean();
    },
  );
}

testSdk(
  "streamText() falls back on a truncated stream before content, and reports it after",
  async (sdk) => {
    const journal = createJournal();
    const model = chainOf(
      sdk,
      [
        [START, step.truncate()],
        [...OPENING, delta("Hel"), step.truncate()],
      ],
      {},
      journal,
    );
    const { reported, text } = await readWithErrors(sdk, model);
    assertEquals(text, "Hel");
    assertInstanceOf(reported[0], TruncatedStreamError);
    assertEquals(
      attemptsOf(reported[0]).map(({ model, error }) => [
        model,
        error instanceof TruncatedStreamError,
      ]),
      [["a", true], ["b", true]],
    );
    journal.assertClean();
  },
);

testSdk(
  "streamText() reports a ModelTimeoutError when a model stalls after content",
  async (sdk) => {
    await virtualTime(async () => {
      const journal = createJournal();
      const model = chainOf(sdk, [[...OPENING, delta("Hel"), step.hang()]], {
        timeouts: { idleMs: 5_000 },
      }, journal);
      const { reported, text } = await readWithErrors(sdk, model);
      assertEquals(text, "Hel");
      assertInstanceOf(reported[0], ModelTimeoutError);
      assertEquals(reported[0].phase, "idle");
      journal.assertClean();
    });
  },
);

testSdk(
  "streamText() reports AllModelsFailedError when all models fail, and attemptsOf() returns its attempts",
  async (sdk) => {
    const journal = createJournal();
    const model = chainOf(
      sdk,
      [[step.fail(overloaded)], [START, { type: "error", error: overloaded }]],
      {},
      journal,
    );
    const { result, reported, errors } = await readWithErrors(sdk, model);
    assertEquals(reported.length, 1);
    assertInstanceOf(reported[0], AllModelsFailedError);
    assertEquals(
      reported[0].message,
      "All models failed:\na: overloaded\nb: overloaded",
    );
    assertStrictEquals(errors[0], reported[0]);
    assertEquals(attemptsOf(reported[0]).length, 2);
    await assertRejects(async () => await result.text);
    journal.assertClean();
  },
);

testSdk(
  "generateText() rejects with AllModelsFailedError when all models fail, and does not retry",
  async (sdk) => {
    const journal = createJournal();
    const model = chainOf(
      sdk,
      [[step.fail(overloaded)], [step.fail(overloaded)]],
      {},
      journal,
    );
    // The SDK does not retry this error, although it has two retries.
    const error = await assertRejects(() =>
      sdk.ai.generateText({ model, prompt: "Hi" })
    );
    assertInstanceOf(error, AllModelsFailedError);
    assertEquals(attemptsOf(error).map(({ model }) => model), ["a", "b"]);
    assertEquals(journal.calls.length, 2);
    journal.assertClean();
  },
);

testSdk(
  "generateText() and streamText() pass on an error that fallbackOn rejects",
  async (sdk) => {
    const wrong = new APICallError({
      message: "bad request",
      url: "https://host/",
      requestBodyValues: {},
      statusCode: 400,
    });
    const model = () =>
      chainOf(sdk, [[step.fail(wrong)], answer("never")], {
        fallbackOn: hasStatus(429, "5xx"),
      });
    const error = await assertRejects(() =>
      sdk.ai.generateText({ model: model(), prompt: "Hi" })
    );
    assertStrictEquals(error, wrong);
    assertEquals(attemptsOf(error).length, 1);
    assertStrictEquals((await readWithErrors(sdk, model())).reported[0], wrong);
  },
);

testSdk(
  "generateText() with maxRetries: 0 calls the chain once",
  async (sdk) => {
    const busy = new APICallError({
      message: "busy",
      url: "https://host/",
      requestBodyValues: {},
      statusCode: 429,
    });
    const calls = async (maxRetries?: number) => {
      const journal = createJournal();
      const model = chainOf(sdk, [[step.fail(busy)], answer("never")], {
        fallbackOn: hasStatus("5xx"),
      }, journal);
      await virtualTime(() =>
        assertRejects(() =>
          sdk.ai.generateText({
            model,
            prompt: "Hi",
            ...(maxRetries !== undefined && { maxRetries }),
          })
        )
      );
      return journal.calls.length;
    };
    assertEquals(await calls(0), 1);
    assertEquals(await calls(), 3);
  },
);

testSdk(
  "doStream() ends its stream after an error part",
  async (sdk) => {
    const model = chainOf(sdk, [[
      ...OPENING,
      delta("Hel"),
      step.fail(overloaded),
    ]]);
    const { stream } = await model.doStream(REQUEST);
    const parts = await Array.fromAsync(stream);
    assertEquals(parts.map(({ type }) => type), [
      "stream-start",
      "response-metadata",
      "text-start",
      "text-delta",
      "error",
    ]);
  },
);

testSdk(
  "doStream() passes on thrown values that are not errors",
  async (sdk) => {
    for (const thrown of [undefined, null, "overloaded", { message: "busy" }]) {
      const model = chainOf(sdk, [[
        ...OPENING,
        delta("Hel"),
        step.fail(thrown),
      ]]);
      const { stream } = await model.doStream(REQUEST);
      const parts = await Array.fromAsync(stream);
      assertEquals(parts.at(-1), { type: "error", error: thrown });
    }
  },
);

testSdk(
  "doStream() rejects with AllModelsFailedError for every kind of failure",
  async (sdk) => {
    const model = chainOf(sdk, [
      [step.fail(overloaded)],
      [step.open(), step.fail(overloaded)],
      [START, { type: "error", error: overloaded }, ...answer("never")],
      [START, step.truncate()],
      [START, STOP],
    ]);
    const error = await assertRejects(() => model.doStream(REQUEST));
    assertInstanceOf(error, AllModelsFailedError);
    assertEquals(error.errors.slice(0, 3), Array(3).fill(overloaded));
    assertInstanceOf(error.errors[3], TruncatedStreamError);
    assertInstanceOf(error.errors[4], EmptyStreamError);
  },
);
