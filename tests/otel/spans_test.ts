// What a call looks like as spans, in every way in which it can go.

import {
  runInContext,
  type TracingListener,
} from "../../src/engine/listener.ts";
import {
  AllModelsFailedError,
  type FallbackListener,
  fallbackModel,
  type FallbackOptions,
  fallbackStream,
  type HealthStore,
  type Model,
  ModelTimeoutError,
} from "@fallback/stream";
import { continueStream } from "@fallback/stream/continue";
import { instrument } from "@fallback/stream/otel";
import {
  fakeModel,
  type Script,
  step,
  virtualTime,
} from "@fallback/stream/testing";
import { context } from "@opentelemetry/api";
import { assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { lines, Sdk } from "./_sdk.ts";

type Options = Omit<FallbackOptions<unknown, string>, "signal">;
type Stream = Awaited<ReturnType<typeof fallbackStream<unknown, string>>>;

interface Story {
  readonly name: string;
  /** What the models `a`, `b`, … do, each call. */
  readonly scripts: Script<string>[][];
  readonly options?: Options;
  /** When the caller aborts. */
  readonly abortAt?: number;
  /** What the caller does with the answer, unless it reads it to its end. */
  read?(stream: Stream): Promise<unknown>;
  readonly spans: string[];
}

const overloaded = Object.assign(new Error("overloaded"), { status: 529 });
const reset = new TypeError("reset");
const refused = new Error("refused");
const closed: HealthStore = {
  admit: (model) =>
    model === "a" ? { admit: false, retryAt: 9000 } : { admit: true },
  report: () => {},
};

const stories: Story[] = [
  {
    name: "an answer",
    scripts: [[[
      step.wait(10),
      step.open(),
      step.wait(20),
      "x",
      step.wait(5),
      "y",
    ]]],
    spans: [
      "chat 0–35 completed",
      "  chat a 0–35 completed",
    ],
  },
  {
    name: "an answer that a slow caller reads",
    scripts: [[["x", "y"]]],
    read: async (stream) => {
      await delay(1000);
      for await (const _ of stream);
    },
    spans: [
      "chat 0–1000 completed",
      "  chat a 0–1000 completed",
    ],
  },
  {
    name: "a fall-back",
    scripts: [[[step.wait(10), step.fail(overloaded)]], [[step.wait(20), "x"]]],
    spans: [
      "chat 0–30 completed",
      "  chat a 0–10 failed !529",
      "  chat b 10–30 completed",
    ],
  },
  {
    name: "an answer in the very millisecond of the call",
    scripts: [[[step.fail(overloaded)]], [["x"]]],
    spans: [
      "chat 0–0 completed",
      "  chat a 0–0 failed !529",
      "  chat b 0–0 completed",
    ],
  },
  {
    name: "exhaustion",
    scripts: [
      [[step.wait(10), step.fail(overloaded)]],
      [[step.wait(20), step.open(), step.end()]],
      [[step.hang()]],
    ],
    options: { timeouts: { firstContentMs: 50 } },
    spans: [
      "chat 0–80 failed !AllModelsFailedError",
      "  chat a 0–10 failed !529",
      "  chat b 10–30 failed !EmptyStreamError",
      "  chat c 30–80 failed !ModelTimeoutError",
    ],
  },
  {
    name: "an interruption",
    scripts: [[["x", step.wait(10), step.fail(reset)]], [["y"]]],
    spans: [
      "chat 0–10 interrupted !TypeError",
      "  chat a 0–10 interrupted !TypeError",
    ],
  },
  {
    name: "a cut answer",
    scripts: [[["x", step.wait(10), step.end()]]],
    options: { isFinal: (chunk) => chunk === "z" },
    spans: [
      "chat 0–10 interrupted !TruncatedStreamError",
      "  chat a 0–10 interrupted !TruncatedStreamError",
    ],
  },
  {
    name: "an answer that stalls",
    scripts: [[["x", step.hang()]]],
    options: { timeouts: { idleMs: 30 } },
    spans: [
      "chat 0–30 interrupted !ModelTimeoutError",
      "  chat a 0–30 interrupted !ModelTimeoutError",
    ],
  },
  {
    name: "an abort before anything",
    scripts: [[["x"]]],
    abortAt: 0,
    spans: ["chat 0–0 cancelled"],
  },
  {
    name: "an abort while a model is opened",
    scripts: [[[step.fail(overloaded)]], [[step.hang()]]],
    abortAt: 40,
    spans: [
      "chat 0–40 cancelled",
      "  chat a 0–0 failed !529",
      "  chat b 0–40 cancelled",
    ],
  },
  {
    name: "an abort during a back-off",
    scripts: [[[step.fail(overloaded)]]],
    options: { retry: { minDelayMs: 100, jitter: 0 } },
    abortAt: 40,
    spans: [
      "chat 0–40 cancelled",
      "  * fallback.retry at 0 a 0.1",
      "  chat a 0–0 failed !529",
    ],
  },
  {
    name: "an abort in mid-answer",
    scripts: [[["x", step.hang()]]],
    abortAt: 40,
    spans: [
      "chat 0–40 cancelled",
      "  chat a 0–40 cancelled",
    ],
  },
  {
    name: "a call whose time is up in mid-answer",
    scripts: [[["x", step.hang()]]],
    options: { timeouts: { totalMs: 40 } },
    spans: [
      "chat 0–40 cancelled !ModelTimeoutError",
      "  chat a 0–40 cancelled !ModelTimeoutError",
    ],
  },
  {
    name: "a call whose time is up before an answer",
    scripts: [[[step.hang()]]],
    options: { timeouts: { totalMs: 40 } },
    spans: [
      "chat 0–40 cancelled !ModelTimeoutError",
      "  chat a 0–40 cancelled !ModelTimeoutError",
    ],
  },
  {
    name: "a hedge that wins",
    scripts: [[[step.wait(100), "x"]], [[
      step.wait(20),
      "y",
      step.wait(5),
      "z",
    ]]],
    options: { hedge: { afterMs: 30 } },
    spans: [
      "chat 0–55 completed",
      "  * fallback.hedge at 30 a",
      "  chat a 0–50 lost",
      "  chat b 30–55 completed",
    ],
  },
  {
    name: "a hedge that loses",
    scripts: [[[step.wait(40), "x"]], [[step.wait(20), "y"]]],
    options: { hedge: { afterMs: 30 } },
    spans: [
      "chat 0–40 completed",
      "  * fallback.hedge at 30 a",
      "  chat a 0–40 completed",
      "  chat b 30–40 lost",
    ],
  },
  {
    name: "a refused failure beside a hedge",
    scripts: [[[step.wait(50), step.fail(refused)]], [[step.hang()]]],
    options: { hedge: { afterMs: 30 }, fallbackOn: (e) => e !== refused },
    spans: [
      "chat 0–50 failed !Error",
      "  * fallback.hedge at 30 a",
      "  chat a 0–50 failed !Error",
      "  chat b 30–50 cancelled",
    ],
  },
  {
    name: "a condition that throws",
    scripts: [[[step.wait(10), step.fail(refused)]], [["x"]]],
    options: {
      fallbackOn: () => {
        throw new RangeError("mine");
      },
    },
    spans: [
      "chat 0–10 failed !SuppressedError",
      "  chat a 0–10 failed !Error",
    ],
  },
  {
    name: "a retry",
    scripts: [[[step.wait(10), step.fail(overloaded)], ["x"]]],
    options: { retry: { minDelayMs: 100, jitter: 0 } },
    spans: [
      "chat 0–110 completed",
      "  * fallback.retry at 10 a 0.1",
      "  chat a 0–10 failed !529",
      "  chat a 110–110 completed",
    ],
  },
  {
    name: "a model that is skipped",
    scripts: [[["x"]], [[step.wait(10), "y"]]],
    options: { health: closed },
    spans: [
      "chat 0–10 completed",
      "  * fallback.skipped at 0 a",
      "  chat b 0–10 completed",
    ],
  },
  {
    name: "models that are all skipped, and tried after all",
    scripts: [[[step.wait(10), "x"]]],
    options: { health: closed },
    spans: [
      "chat 0–10 completed",
      "  * fallback.skipped at 0 a",
      "  chat a 0–10 completed",
    ],
  },
  {
    name: "an empty answer that is allowed",
    scripts: [[[step.open(), step.wait(10), step.end()]]],
    options: { allowEmpty: true },
    spans: [
      "chat 0–10 completed",
      "  chat a 0–10 completed",
    ],
  },
  {
    name: "a caller who breaks",
    scripts: [[["x", step.wait(10), "y", step.wait(10), "z"]]],
    read: async (stream) => {
      for await (const chunk of stream) if (chunk === "y") break;
    },
    spans: [
      "chat 0–10 cancelled",
      "  chat a 0–10 cancelled",
    ],
  },
  {
    name: "a caller who returns while a pull waits",
    scripts: [[["x", step.hang()]]],
    read: async (stream) => {
      await stream.next();
      const pull = stream.next();
      await delay(15);
      await stream.return();
      await pull;
    },
    spans: [
      "chat 0–15 cancelled",
      "  chat a 0–15 cancelled",
    ],
  },
  {
    name: "a caller who throws",
    scripts: [[["x", "y"]]],
    read: (stream) => stream.throw(reset),
    spans: [
      "chat 0–0 cancelled",
      "  chat a 0–0 cancelled",
    ],
  },
  {
    name: "a caller who cancels",
    scripts: [[["x", "y"]]],
    read: (stream) => stream.toReadableStream().cancel(),
    spans: [
      "chat 0–0 cancelled",
      "  chat a 0–0 cancelled",
    ],
  },
  {
    name: "a caller who disposes twice, and after the end",
    scripts: [[["x"]]],
    read: async (stream) => {
      for await (const _ of stream);
      await stream[Symbol.asyncDispose]();
      await stream.return();
      await stream.next();
    },
    spans: [
      "chat 0–0 completed",
      "  chat a 0–0 completed",
    ],
  },
  {
    name: "something thrown that is no error",
    scripts: [[[step.fail("overloaded")]], [[step.fail(undefined)]]],
    spans: [
      "chat 0–0 failed !AllModelsFailedError",
      "  chat a 0–0 failed !_OTHER",
      "  chat b 0–0 failed !_OTHER",
    ],
  },
];

/** Makes the models of a story and reads its answer, whatever comes of it. */
async function play(
  { scripts, options, abortAt, read }: Story,
  onEvent: FallbackListener,
): Promise<void> {
  const models = scripts.map((scripts, i) =>
    fakeModel("abc"[i]!, { scripts }, { provider: "acme" })
  );
  const controller = new AbortController();
  const { signal } = controller;
  if (abortAt === 0) controller.abort(reset);
  else if (abortAt) delay(abortAt).then(() => controller.abort(reset));
  try {
    const all = { ...options, onEvent, signal };
    await using stream = await fallbackStream(models, "hi", all);
    if (read) await read(stream);
    else for await (const _ of stream);
  } catch {
    // The spans say it.
  }
  if (abortAt) await delay(abortAt);
}

for (const story of stories) {
  Deno.test(`the spans of ${story.name}`, async () => {
    await using sdk = new Sdk();
    await virtualTime(() => play(story, instrument()));
    assertEquals(lines(sdk.spans()), story.spans);
  });
}

Deno.test("calls that overlap and share a listener and models do not mix", async () => {
  await using sdk = new Sdk();
  const onEvent: TracingListener = instrument();
  await virtualTime(() =>
    Promise.all(stories.map((story) => play(story, onEvent)))
  );
  const told = lines(sdk.spans()).join("\n").split(/\n(?=chat)/);
  const expected = stories.map(({ spans }) => spans.join("\n"));
  assertEquals(told.toSorted(), expected.toSorted());
  for (const span of sdk.spans()) {
    const { parentSpanContext } = span;
    if (!parentSpanContext) continue;
    assertEquals(span.spanContext().traceId, parentSpanContext.traceId);
  }
});

Deno.test("a call that is aborted between commitment and hand-over ends its span", async () => {
  const reason = new ModelTimeoutError("a", "total", 0);
  for (let turns = 0; turns < 40; turns++) {
    await using sdk = new Sdk();
    await virtualTime(async () => {
      const controller = new AbortController();
      const model: Model<unknown, string> = {
        name: "a",
        async *stream() {
          yield "x";
          await new Promise(() => {});
        },
        isContent: () => {
          (async () => {
            for (let i = 0; i < turns; i++) await undefined;
            controller.abort(reason);
          })();
          return true;
        },
      };
      const { signal } = controller;
      const read = async () => {
        const options = { onEvent: instrument(), signal };
        await using stream = await fallbackStream([model], "hi", options);
        for await (const _ of stream);
      };
      assertEquals(await assertRejects(read), reason);
    });
    assertEquals(lines(sdk.spans()), [
      "chat 0–0 cancelled !ModelTimeoutError",
      "  chat a 0–0 cancelled !ModelTimeoutError",
    ], `${turns} turns after the content`);
  }
});

Deno.test("an inner chain's call hangs under the outer chain's attempt", async () => {
  await using sdk = new Sdk();
  const onEvent: TracingListener = instrument();
  await virtualTime(async () => {
    const inner = fallbackModel([
      fakeModel("a", [step.wait(10), step.fail(overloaded)]),
      fakeModel("b", [step.wait(10), step.fail(overloaded)]),
    ], { onEvent });
    const other = fallbackModel([
      fakeModel("c", [step.wait(10), step.fail(overloaded)]),
      fakeModel("d", [step.wait(10), "x", step.wait(10), "y"]),
    ], { onEvent });
    const options = { onEvent };
    await using stream = await fallbackStream([inner, other], "hi", options);
    await Array.fromAsync(stream);
  });
  assertEquals(lines(sdk.spans()), [
    "chat 0–50 completed",
    "  chat fallback:a,b 0–20 failed !529",
    "    chat 0–20 failed !529",
    "      chat a 0–10 failed !529",
    "      chat b 10–20 failed !529",
    "  chat fallback:c,d 20–50 completed",
    "    chat 20–50 completed",
    "      chat c 20–30 failed !529",
    "      chat d 30–50 completed",
  ]);
});

Deno.test("each part of an answer that is continued is a call of its own", async () => {
  await using sdk = new Sdk();
  await virtualTime(async () => {
    const models = [
      fakeModel("a", ["x", step.wait(10), step.fail(reset)]),
      fakeModel("b", [step.wait(10), step.fail(overloaded)]),
      fakeModel("c", [step.wait(10), "y", step.wait(10), "z"]),
    ];
    await using stream = await continueStream(models, "hi", {
      onEvent: instrument(),
      resume: async () => {
        await delay(5);
        return "go on";
      },
    });
    assertEquals((await Array.fromAsync(stream)).join(""), "xyz");
  });
  assertEquals(lines(sdk.spans()), [
    "chat 0–10 interrupted !TypeError",
    "  chat a 0–10 interrupted !TypeError",
    "chat 15–45 completed",
    "  chat b 15–25 failed !529",
    "  chat c 25–45 completed",
  ]);
  const [, , , , last] = sdk.spans();
  assertEquals(last!.attributes["fallback.attempts"], 2);
});

Deno.test("a part of an answer that fails tells no model of an earlier part", async () => {
  await using sdk = new Sdk();
  await virtualTime(async () => {
    const models = [
      fakeModel("a", ["x", step.wait(10), step.fail(reset)]),
      fakeModel("b", [step.wait(10), step.fail(overloaded)]),
    ];
    await using stream = await continueStream(models, "hi", {
      onEvent: instrument(),
      resume: () => "go on",
    });
    await assertRejects(() => Array.fromAsync(stream), AllModelsFailedError);
  });
  assertEquals(lines(sdk.spans()), [
    "chat 0–10 interrupted !TypeError",
    "  chat a 0–10 interrupted !TypeError",
    "chat 10–20 failed !AllModelsFailedError",
    "  chat b 10–20 failed !529",
  ]);
  const told = sdk.spans().map(({ name, attributes }) => [
    name,
    attributes["gen_ai.response.model"],
  ]);
  // Also where content comes at the very beginning of time.
  assertEquals(told, [
    ["chat a", "a"],
    ["chat", "a"],
    ["chat b", undefined],
    ["chat", undefined],
  ]);
});

Deno.test("an abort because another call has failed is no failure", async () => {
  await using sdk = new Sdk();
  await virtualTime(async () => {
    const onEvent: TracingListener = instrument();
    const failing = fakeModel("a", [step.fail(overloaded)]);
    const error = await assertRejects(() =>
      fallbackStream([failing], "hi", { onEvent })
    );
    const signal = AbortSignal.abort(error);
    await assertRejects(() =>
      fallbackStream([failing], "hi", { onEvent, signal })
    );
  });
  assertEquals(lines(sdk.spans()).at(-1), "chat 0–0 cancelled");
});

Deno.test("attempts hang under their call also where no context is kept", async () => {
  await using sdk = new Sdk();
  context.disable();
  const [story] = stories.filter(({ name }) => name === "a fall-back");
  await virtualTime(() => play(story!, instrument()));
  assertEquals(lines(sdk.spans()), story!.spans);
});

Deno.test("a listener around ours that aborts as an attempt begins loses no span", async () => {
  await using sdk = new Sdk();
  const ours: TracingListener = instrument();
  const controller = new AbortController();
  const onEvent: TracingListener = (event) => {
    // What this makes happen is told of before what it hears of.
    if (event.type === "started") controller.abort(reset);
    ours(event);
  };
  onEvent[runInContext] = (...part) => ours[runInContext]!(...part);
  const { signal } = controller;
  await virtualTime(() =>
    assertRejects(() =>
      fallbackStream([fakeModel("a", ["x"])], "hi", { onEvent, signal })
    )
  );
  assertEquals(lines(sdk.spans()), [
    "chat 0–0 cancelled",
    "  chat a 0–0 cancelled",
  ]);
});

Deno.test("errors that cannot be looked at end their spans all the same", async () => {
  const hostile: readonly (readonly [error: unknown, type: string])[] = [
    [
      new Proxy({}, {
        get() {
          throw new Error("get");
        },
        getPrototypeOf() {
          throw new Error("getPrototypeOf");
        },
      }),
      "_OTHER",
    ],
    [
      Object.defineProperty(new Error("status"), "status", {
        get() {
          throw new Error("get");
        },
      }),
      "Error",
    ],
    [Object.assign(new Error("symbol"), { name: Symbol("name") }), "_OTHER"],
    [
      Object.assign(new Error("object"), { name: Object.create(null) }),
      "_OTHER",
    ],
  ];
  for (const recordErrors of [false, true]) {
    // The SDK itself warns of a name that is no text.
    const errors = recordErrors ? hostile.slice(0, 2) : hostile;
    for (const [error, type] of errors) {
      await using sdk = new Sdk();
      await virtualTime(async () => {
        const onEvent: TracingListener = instrument({ recordErrors });
        const model = fakeModel("a", ["x", step.wait(10), step.fail(error)]);
        const read = async () => {
          await using stream = await fallbackStream([model], "hi", { onEvent });
          await Array.fromAsync(stream);
        };
        await read().catch(() => {});
        const reasons = AbortSignal.abort(error);
        const signals = { onEvent, signal: reasons };
        await fallbackStream([model], "hi", signals).catch(() => {});
        const refuses = fakeModel("b", [step.fail(error)]);
        const never = { onEvent, fallbackOn: () => false };
        await fallbackStream([refuses], "hi", never).catch(() => {});
      });
      assertEquals(
        lines(sdk.spans()).filter((line) => !line.includes(" * ")),
        [
          `chat 0–10 interrupted !${type}`,
          `  chat a 0–10 interrupted !${type}`,
          "chat 10–10 cancelled",
          `chat 10–10 failed !${type}`,
          `  chat b 10–10 failed !${type}`,
        ],
      );
    }
  }
});
