// Every option of a chain works as an option of a language model, streaming or
// not.

import { APICallError } from "@ai-sdk/provider";
import {
  AllModelsFailedError,
  attemptsOf,
  type FallbackEvent,
  hasStatus,
  ModelTimeoutError,
} from "@fallback/stream";
import { fallbackLanguageModel } from "@fallback/stream/ai-sdk";
import { memoryHealth } from "@fallback/stream/health";
import {
  createJournal,
  type Journal,
  step,
  virtualTime,
} from "@fallback/stream/testing";
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
  scripted,
  type Sdk,
  START,
  STOP,
  testSdk,
} from "./_sdk.ts";

const overloaded = new Error("overloaded");
const text = answer("Hello");

function busy(responseHeaders: Record<string, string>): APICallError {
  return new APICallError({
    message: "busy",
    url: "https://host/",
    requestBodyValues: {},
    statusCode: 429,
    responseHeaders,
  });
}

/** Asks for an answer in both ways, each with a chain of its own. */
async function askBoth(
  sdk: Sdk,
  makeModel: (journal: Journal) => ReturnType<typeof chainOf>,
  check: (journal: Journal, text: unknown) => void,
): Promise<void> {
  const ways = [
    (model: ReturnType<typeof chainOf>) =>
      sdk.ai.streamText({ model, prompt: "Hi", onError: () => {} }).text,
    async (model: ReturnType<typeof chainOf>) =>
      (await sdk.ai.generateText({ model, prompt: "Hi" })).text,
  ];
  for (const ask of ways) {
    await virtualTime(async () => {
      const journal = createJournal();
      check(journal, await ask(makeModel(journal)));
      journal.assertClean();
    });
  }
}

function timesOf({ entries }: Journal): [string, number][] {
  return entries.filter(({ type }) => type === "call")
    .map(({ model, at }) => [model, at]);
}

testSdk("firstContentMs gives a silent model up", async (sdk) => {
  await askBoth(
    sdk,
    (journal) =>
      chainOf(sdk, [[START, step.hang()], text], {
        timeouts: { firstContentMs: 5_000 },
      }, journal),
    (journal, text) => {
      assertEquals(text, "Hello");
      assertEquals(timesOf(journal), [["a", 0], ["b", 5_000]]);
    },
  );
});

testSdk("retry asks the same model again, before the next", async (sdk) => {
  const flaky = { scripts: [[step.fail(overloaded)], text] };
  await askBoth(
    sdk,
    (journal) =>
      chainOf(sdk, [flaky, answer("never")], {
        retry: { minDelayMs: 200, jitter: 0 },
      }, journal),
    (journal, text) => {
      assertEquals(text, "Hello");
      assertEquals(timesOf(journal), [["a", 0], ["a", 200]]);
    },
  );
});

testSdk(
  "the Retry-After of an APICallError is waited for, or the next model's turn comes",
  async (sdk) => {
    const askAgain = (headers: Record<string, string>) => (journal: Journal) =>
      chainOf(
        sdk,
        [{ scripts: [[step.fail(busy(headers))], text] }, text],
        { retry: {} },
        journal,
      );
    await askBoth(sdk, askAgain({ "retry-after": "7" }), (journal) => {
      assertEquals(timesOf(journal), [["a", 0], ["a", 7_000]]);
    });
    await askBoth(sdk, askAgain({ "retry-after-ms": "1500" }), (journal) => {
      assertEquals(timesOf(journal), [["a", 0], ["a", 1_500]]);
    });
    await askBoth(sdk, askAgain({ "retry-after": "60" }), (journal) => {
      assertEquals(timesOf(journal), [["a", 0], ["b", 0]]);
    });
  },
);

testSdk("hedge opens the next model beside one that is slow", async (sdk) => {
  await askBoth(
    sdk,
    (journal) =>
      chainOf(sdk, [[step.wait(9_000), ...text], answer("quick")], {
        hedge: { afterMs: 1_500 },
      }, journal),
    (journal, text) => {
      assertEquals(text, "quick");
      assertEquals(timesOf(journal), [["a", 0], ["b", 1_500]]);
    },
  );
});

testSdk("health skips what is down, by the name of the entry", async (sdk) => {
  const health = memoryHealth({ failureThreshold: 2 });
  const journal = createJournal();
  const down = scripted(sdk, "gpt", [step.fail(overloaded)], { journal });
  const up = scripted(sdk, "claude", text, { journal });
  const model = fallbackLanguageModel([{ model: down, name: "azure" }, up], {
    health,
  });
  for (let call = 1; call <= 3; call++) {
    const ask = call === 2
      ? sdk.ai.generateText({ model, prompt: "Hi" })
      : sdk.ai.streamText({ model, prompt: "Hi" });
    assertEquals(await (await ask).text, "Hello");
  }
  assertEquals(down.asked.length, 2);
  assertEquals(health.snapshot().map(({ model, state }) => [model, state]), [
    ["azure", "open"],
  ]);
  journal.assertClean();
});

testSdk(
  "a Retry-After of an APICallError opens a circuit for as long",
  async (sdk) => {
    await virtualTime(async () => {
      const health = memoryHealth();
      const model = chainOf(sdk, [
        [step.fail(busy({ "retry-after": "42" }))],
        text,
      ], { health });
      await sdk.ai.generateText({ model, prompt: "Hi" });
      assertEquals(await health.admit("a"), { admit: false, retryAt: 42_000 });
    });
  },
);

testSdk("fallbackOn is asked about the provider's own error", async (sdk) => {
  const asked: unknown[] = [];
  const error = busy({});
  await askBoth(
    sdk,
    (journal) =>
      chainOf(sdk, [[step.fail(error)], text], {
        fallbackOn: [
          (error) => {
            asked.push(error);
            return false;
          },
          hasStatus(429),
        ],
      }, journal),
    (_, text) => assertEquals(text, "Hello"),
  );
  assertEquals(asked, [error, error]);
});

testSdk("onEvent is told of every step", async (sdk) => {
  const told: FallbackEvent["type"][] = [];
  const model = chainOf(sdk, [[step.fail(overloaded)], text], {
    onEvent: ({ type }) => told.push(type),
  });
  const answered = ["started", "opened", "committed", "completed", "closed"];
  await sdk.ai.streamText({ model, prompt: "Hi" }).text;
  assertEquals(told.splice(0), ["started", "failed", "closed", ...answered]);
  await sdk.ai.generateText({ model, prompt: "Hi" });
  // There is no stream to be opened: the call itself is what is waited for.
  assertEquals(told, ["started", "opened", "failed", "closed", ...answered]);
});

testSdk("totalMs ends the whole call", async (sdk) => {
  const slow = [step.wait(40_000), step.fail(overloaded)];
  await virtualTime(async () => {
    const model = chainOf(sdk, [slow, slow], { timeouts: { totalMs: 60_000 } });
    const error = await assertRejects(() => model.doStream(REQUEST));
    assertInstanceOf(error, ModelTimeoutError);
    assertEquals([error.model, error.phase], ["b", "total"]);
    const again = await assertRejects(() =>
      sdk.ai.generateText({ model, prompt: "Hi" })
    );
    assertInstanceOf(again, ModelTimeoutError);
    assertEquals(Date.now(), 120_000);
  });
});

testSdk("totalMs in mid-answer reaches onError", async (sdk) => {
  await virtualTime(async () => {
    const model = chainOf(sdk, [[...OPENING, delta("Hel"), step.hang()]], {
      timeouts: { totalMs: 60_000 },
    });
    const told: unknown[] = [];
    const result = sdk.ai.streamText({
      model,
      prompt: "Hi",
      onError: ({ error }) => void told.push(error),
    });
    assertEquals(await result.text, "Hel");
    assertInstanceOf(told[0], ModelTimeoutError);
    assertEquals(told[0].phase, "total");
  });
});

testSdk("openMs bounds doStream until its stream is there", async (sdk) => {
  await virtualTime(async () => {
    const model = chainOf(sdk, [[step.hang()], text], {
      timeouts: { openMs: 2_000 },
    });
    await model.doStream(REQUEST);
    assertEquals(Date.now(), 2_000);
  });
});

testSdk("isContent among the options wins over ours", async (sdk) => {
  const thinks: Part[] = [
    START,
    { type: "reasoning-start", id: "r" },
    { type: "reasoning-delta", id: "r", delta: "Hm" },
  ];
  const seen: string[] = [];
  const model = chainOf(sdk, [
    [...thinks, step.fail(overloaded)],
    [...thinks, { type: "reasoning-end", id: "r" }, ...text.slice(1)],
  ], {
    isContent: (part) => {
      seen.push(part.type);
      return part.type === "text-delta";
    },
  });
  const result = sdk.ai.streamText({ model, prompt: "Hi" });
  assertEquals(await result.text, "Hello");
  assertEquals((await result.response).modelId, "b");
  assertEquals(seen.filter((type) => type === "text-delta").length, 1);
});

testSdk(
  "an error part is thrown although isContent takes everything",
  async (sdk) => {
    const model = chainOf(sdk, [
      [{ type: "error", error: overloaded }, STOP],
      text,
    ], { isContent: () => true });
    const { stream } = await model.doStream(REQUEST);
    assertEquals((await Array.fromAsync(stream)).length, text.length + 1);
  },
);

testSdk(
  "what isContent throws is a failure: a finish reason can fall back",
  async (sdk) => {
    const filtered = [
      START,
      {
        ...STOP,
        finishReason: { unified: "content-filter", raw: "f" },
      } as Part,
    ];
    const model = chainOf(sdk, [filtered, filtered], {
      allowEmpty: true,
      isContent: (part) => {
        if (part.type !== "finish") return part.type === "text-delta";
        throw new Error(part.finishReason.unified);
      },
    });
    const error = await assertRejects(() => model.doStream(REQUEST));
    assertInstanceOf(error, AllModelsFailedError);
    assertEquals(
      error.message,
      "All models failed:\na: content-filter\nb: content-filter",
    );
  },
);

testSdk("a chain in a chain falls back within, then without", async (sdk) => {
  const inner = (first: typeof text | [ReturnType<typeof step.fail>]) =>
    chainOf(sdk, [[step.fail(overloaded)], first]);
  const outer = (first: Parameters<typeof inner>[0], journal: Journal) =>
    fallbackLanguageModel([
      inner(first),
      scripted(sdk, "last", answer("last"), { journal }),
    ]);
  await askBoth(sdk, (journal) => outer(text, journal), (_, text) => {
    assertEquals(text, "Hello");
  });
  await askBoth(
    sdk,
    (journal) => outer([step.fail(overloaded)], journal),
    (_, text) => assertEquals(text, "last"),
  );
});

testSdk(
  "an outer chain waits until the inner one that it gave up is closed",
  async (sdk) => {
    await virtualTime(async () => {
      const journal = createJournal();
      const inner = fallbackLanguageModel([
        scripted(sdk, "inner", [START, step.hang()], {
          journal,
          closeScript: [step.wait(300)],
        }),
      ]);
      const next = scripted(sdk, "next", text, { journal });
      const model = fallbackLanguageModel([inner, next], {
        timeouts: { firstContentMs: 5_000 },
      });
      const { stream } = await model.doStream(REQUEST);
      assertEquals(timesOf(journal), [["inner", 0], ["next", 5_300]]);
      await Array.fromAsync(stream);
      journal.assertClean();
    });
  },
);

testSdk(
  "what the SDK throws of a chain in a chain has all attempts",
  async (sdk) => {
    const inner = chainOf(sdk, [[step.fail(overloaded)], [
      step.fail(busy({})),
    ]]);
    const model = fallbackLanguageModel([inner], {});
    for (const ask of ["doStream", "doGenerate"] as const) {
      const error = await assertRejects(() => model[ask](REQUEST));
      const [attempt] = attemptsOf(error);
      assertEquals(attempt?.model, "fallback:a,b");
      assertEquals(attempt?.nested?.map(({ model }) => model), ["a", "b"]);
      assertStrictEquals(attempt?.nested?.[0]?.error, overloaded);
    }
  },
);
