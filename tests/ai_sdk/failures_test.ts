// What goes wrong, and how the SDK's callers hear of it.

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

/** Reads all of an answer, and what `onError` and the parts say went wrong. */
async function watch(sdk: Sdk, model: ReturnType<typeof chainOf>) {
  const told: unknown[] = [];
  const result = sdk.ai.streamText({
    model,
    prompt: "Hi",
    maxRetries: 0,
    onError: ({ error }) => void told.push(error),
  });
  const parts = await Array.fromAsync(result.fullStream);
  return {
    result,
    told,
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
    `${name} after content reaches onError, and the text so far is kept`,
    async (sdk) => {
      const journal = createJournal();
      const script = [...OPENING, delta("Hel"), ...end];
      const model = chainOf(sdk, [script, answer("never")], {}, journal);
      const { result, told, errors, text } = await watch(sdk, model);
      assertEquals(told.length, 1);
      assertStrictEquals(told[0], overloaded);
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
  "a stream without its finish is an error before and after content",
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
    const { told, text } = await watch(sdk, model);
    assertEquals(text, "Hel");
    assertInstanceOf(told[0], TruncatedStreamError);
    assertEquals(
      attemptsOf(told[0]).map(({ model, error }) => [
        model,
        error instanceof TruncatedStreamError,
      ]),
      [["a", true], ["b", true]],
    );
    journal.assertClean();
  },
);

testSdk("a model that falls silent in mid-answer is an error", async (sdk) => {
  await virtualTime(async () => {
    const journal = createJournal();
    const model = chainOf(sdk, [[...OPENING, delta("Hel"), step.hang()]], {
      timeouts: { idleMs: 5_000 },
    }, journal);
    const { told, text } = await watch(sdk, model);
    assertEquals(text, "Hel");
    assertInstanceOf(told[0], ModelTimeoutError);
    assertEquals(told[0].phase, "idle");
    journal.assertClean();
  });
});

testSdk(
  "if no model answers, streamText reports our error, and attemptsOf knows it",
  async (sdk) => {
    const journal = createJournal();
    const model = chainOf(
      sdk,
      [[step.fail(overloaded)], [START, { type: "error", error: overloaded }]],
      {},
      journal,
    );
    const { result, told, errors } = await watch(sdk, model);
    assertEquals(told.length, 1);
    assertInstanceOf(told[0], AllModelsFailedError);
    assertEquals(
      told[0].message,
      "All models failed:\na: overloaded\nb: overloaded",
    );
    assertStrictEquals(errors[0], told[0]);
    assertEquals(attemptsOf(told[0]).length, 2);
    await assertRejects(async () => await result.text);
    journal.assertClean();
  },
);

testSdk(
  "if no model answers, generateText rejects with our error, asked once",
  async (sdk) => {
    const journal = createJournal();
    const model = chainOf(
      sdk,
      [[step.fail(overloaded)], [step.fail(overloaded)]],
      {},
      journal,
    );
    // With the SDK's own two retries: it does not take this for one worth them.
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
  "a failure that fallbackOn refuses reaches the caller as it is",
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
    assertStrictEquals((await watch(sdk, model())).told[0], wrong);
  },
);

testSdk(
  "maxRetries: 0 keeps the SDK from asking the chain again",
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
  "an error part of the chain's own stream is its last part",
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

testSdk("what is thrown may be anything", async (sdk) => {
  for (const thrown of [undefined, null, "overloaded", { message: "busy" }]) {
    const model = chainOf(sdk, [[...OPENING, delta("Hel"), step.fail(thrown)]]);
    const { stream } = await model.doStream(REQUEST);
    const parts = await Array.fromAsync(stream);
    assertEquals(parts.at(-1), { type: "error", error: thrown });
  }
});

testSdk(
  "doStream rejects where no model answers, however it fails to",
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
