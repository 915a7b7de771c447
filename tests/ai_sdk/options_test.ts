// The options of `fallbackStream()` as options of `fallbackLanguageModel()`, in
// `streamText()` and `generateText()`.

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

/** Calls `streamText()` and `generateText()`, each with a new chain. */
async function callBothWays(
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
  for (const call of ways) {
    await virtualTime(async () => {
      const journal = createJournal();
      check(journal, await call(makeModel(journal)));
      journal.assertClean();
    });
  }
}

function timesOf({ entries }: Journal): [string, number][] {
  return entries.filter(({ type }) => type === "call")
    .map(({ model, at }) => [model, at]);
}

testSdk("firstContentMs abandons a model without content", async (sdk) => {
  await callBothWays(
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

testSdk("retry calls the same model again before the next", async (sdk) => {
  const flaky = { scripts: [[step.fail(overloaded)], text] };
  await callBothWays(
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
  "retry waits for the Retry-After of an APICallError, or opens the next model if it is too long",
  async (sdk) => {
    const retryAfter =
      (headers: Record<string, string>) => (journal: Journal) =>
        chainOf(
          sdk,
          [{ scripts: [[step.fail(busy(headers))], text] }, text],
          { retry: {} },
          journal,
        );
    await callBothWays(sdk, retryAfter({ "retry-after": "7" }), (journal) => {
      assertEquals(timesOf(journal), [["a", 0], ["a", 7_000]]);
    });
    await callBothWays(
      sdk,
      retryAfter({ "retry-after-ms": "1500" }),
      (journal) => {
        assertEquals(timesOf(journal), [["a", 0], ["a", 1_500]]);
      },
    );
    await callBothWays(sdk, retryAfter({ "retry-after": "60" }), (journal) => {
      assertEquals(timesOf(journal), [["a", 0], ["b", 0]]);
    });
  },
);

testSdk("hedge opens the next model while a slow one is open", async (sdk) => {
  await callBothWays(
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

testSdk(
  "health skips a failing model by the name of its entry",
  async (sdk) => {
    const health = memoryHealth({ failureThreshold: 2 });
    const journal = createJournal();
    const down = scripted(sdk, "gpt", [step.fail(overloaded)], { journal });
    const up = scripted(sdk, "claude", text, { journal });
    const model = fallbackLanguageModel([{ model: down, name: "azure" }, up], {
      health,
    });
    for (let call = 1; call <= 3; call++) {
      const result = call === 2
        ? sdk.ai.generateText({ model, prompt: "Hi" })
        : sdk.ai.streamText({ model, prompt: "Hi" });
      assertEquals(await (await result).text, "Hello");
    }
    assertEquals(down.requests.length, 2);
    assertEquals(health.snapshot().map(({ model, state }) => [model, state]), [
      ["azure", "open"],
    ]);
    journal.assertClean();
  },
);

testSdk(
  "health opens a circuit for the Retry-After of an APICallError",
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

testSdk("fallbackOn gets the error of the provider", async (sdk) => {
  const errors: unknown[] = [];
  const error = busy({});
  await callBothWays(
    sdk,
    (journal) =>
      chainOf(sdk, [[step.fail(error)], text], {
        fallbackOn: [
          (error) => {
            errors.push(error);
            return false;
          },
          hasStatus(429),
        ],
      }, journal),
    (_, text) => assertEquals(text, "Hello"),
  );
  assertEquals(errors, [error, error]);
});

testSdk("onEvent gets every event", async (sdk) => {
  const events: FallbackEvent["type"][] = [];
  const model = chainOf(sdk, [[step.fail(overloaded)], text], {
    onEvent: ({ type }) => events.push(type),
  });
  const answered = ["started", "opened", "committed", "completed", "closed"];
  await sdk.ai.streamText({ model, prompt: "Hi" }).text;
  assertEquals(events.splice(0), ["started", "failed", "closed", ...answered]);
  await sdk.ai.generateText({ model, prompt: "Hi" });
  // `doGenerate()` opens no stream: "opened" is emitted at once.
  assertEquals(events, ["started", "opened", "failed", "closed", ...answered]);
});

testSdk("totalMs limits the whole call", async (sdk) => {
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

testSdk(
  "streamText() passes the timeout of totalMs after content to onError",
  async (sdk) => {
    await virtualTime(async () => {
      const model = chainOf(sdk, [[...OPENING, delta("Hel"), step.hang()]], {
        timeouts: { totalMs: 60_000 },
      });
      const events: unknown[] = [];
      const result = sdk.ai.streamText({
        model,
        prompt: "Hi",
        onError: ({ error }) => void events.push(error),
      });
      assertEquals(await result.text, "Hel");
      assertInstanceOf(events[0], ModelTimeoutError);
      assertEquals(events[0].phase, "total");
    });
  },
);

testSdk(
  "openMs limits the time until doStream() of a model resolves",
  async (sdk) => {
    await virtualTime(async () => {
      const model = chainOf(sdk, [[step.hang()], text], {
        timeouts: { openMs: 2_000 },
      });
      await model.doStream(REQUEST);
      assertEquals(Date.now(), 2_000);
    });
  },
);

testSdk("isContent of the options replaces the default", async (sdk) => {
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
  "doStream() fails on an error part when isContent returns true for all parts",
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
  "doStream() falls back on an error that isContent throws",
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

testSdk(
  "fallbackLanguageModel() falls back within a nested chain, then to the next model of the outer chain",
  async (sdk) => {
    const inner = (first: typeof text | [ReturnType<typeof step.fail>]) =>
      chainOf(sdk, [[step.fail(overloaded)], first]);
    const outer = (first: Parameters<typeof inner>[0], journal: Journal) =>
      fallbackLanguageModel([
        inner(first),
        scripted(sdk, "last", answer("last"), { journal }),
      ]);
    await callBothWays(sdk, (journal) => outer(text, journal), (_, text) => {
      assertEquals(text, "Hello");
    });
    await callBothWays(
      sdk,
      (journal) => outer([step.fail(overloaded)], journal),
      (_, text) => assertEquals(text, "last"),
    );
  },
);

testSdk(
  "fallbackLanguageModel() waits until an abandoned inner chain is closed",
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
  "attemptsOf() returns the attempts of nested chains",
  async (sdk) => {
    const inner = chainOf(sdk, [[step.fail(overloaded)], [
      step.fail(busy({})),
    ]]);
    const model = fallbackLanguageModel([inner], {});
    for (const method of ["doStream", "doGenerate"] as const) {
      const error = await assertRejects(() => model[method](REQUEST));
      const [attempt] = attemptsOf(error);
      assertEquals(attempt?.model, "fallback:a,b");
      assertEquals(attempt?.nested?.map(({ model }) => model), ["a", "b"]);
      assertStrictEquals(attempt?.nested?.[0]?.error, overloaded);
    }
  },
);
