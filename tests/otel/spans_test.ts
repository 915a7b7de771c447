// The spans of calls, whatever models and callers do.

import {
  runInContext,
  type TracingListener,
} from "../../src/engine/listener.ts";
import {
  type FallbackListener,
  fallbackModel,
  fallbackStream,
  type Model,
  ModelTimeoutError,
} from "@fallback/stream";
import { instrument } from "@fallback/stream/otel";
import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
import { context } from "@opentelemetry/api";
import { assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { callerCases } from "./_caller_cases.ts";
import { lines, Sdk } from "./_sdk.ts";
import { modelCases, overloaded, reset, type SpanCase } from "./_span_cases.ts";

const cases = [...modelCases, ...callerCases];

/** Makes the call of a case and reads its stream. */
async function play(
  { scripts, options, abortAt, read, reason = reset }: Omit<
    SpanCase,
    "name" | "spans"
  >,
  onEvent: FallbackListener,
): Promise<void> {
  const models = scripts.map((scripts, i) =>
    fakeModel("abc"[i]!, { scripts }, { provider: "acme" })
  );
  const controller = new AbortController();
  const { signal } = controller;
  if (abortAt === 0) controller.abort(reason);
  else if (abortAt) delay(abortAt).then(() => controller.abort(reason));
  try {
    const all = { ...options, onEvent, signal };
    await using stream = await fallbackStream(models, "hi", all);
    if (read) await read(stream);
    else for await (const _ of stream);
  } catch {
    // The spans have the error.
  }
  if (abortAt) await delay(abortAt);
}

for (const spanCase of cases) {
  Deno.test(`instrument() records the spans of ${spanCase.name}`, async () => {
    await using sdk = new Sdk();
    await virtualTime(() => play(spanCase, instrument()));
    assertEquals(lines(sdk.spans()), spanCase.spans);
  });
}

Deno.test("instrument() keeps the spans of calls that overlap apart", async () => {
  await using sdk = new Sdk();
  const ours: TracingListener = instrument();
  const errors: unknown[] = [];
  const onEvent: TracingListener = (event) => {
    try {
      ours(event);
    } catch (error) {
      errors.push(error);
    }
  };
  onEvent[runInContext] = (...part) => ours[runInContext]!(...part);
  await virtualTime(() =>
    Promise.all(cases.map((spanCase) => play(spanCase, onEvent)))
  );
  assertEquals(errors, []);
  const actual = lines(sdk.spans()).join("\n").split(/\n(?=chat)/);
  const expected = cases.map(({ spans }) => spans.join("\n"));
  assertEquals(actual.toSorted(), expected.toSorted());
  for (const span of sdk.spans()) {
    const { parentSpanContext } = span;
    if (!parentSpanContext) continue;
    assertEquals(span.spanContext().traceId, parentSpanContext.traceId);
  }
});

Deno.test("instrument() ends the spans of a call that is aborted just after the first content", async () => {
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

Deno.test("instrument() makes the call of a nested chain a child of the outer attempt", async () => {
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

Deno.test("instrument() records a call that is aborted as cancelled, also with the error of another call", async () => {
  const errorOfAnother = await assertRejects(() =>
    fallbackStream([fakeModel("a", [step.fail(overloaded)])], "hi")
  );
  const reasons = [
    reset,
    errorOfAnother,
    new SuppressedError(reset, errorOfAnother),
  ];
  for (const reason of reasons) {
    await using sdk = new Sdk();
    const scripts = [[[step.fail(undefined)]], [[step.hang()]]];
    await virtualTime(() =>
      play({ scripts, abortAt: 10, reason }, instrument())
    );
    assertEquals(lines(sdk.spans()), [
      "chat 0–10 cancelled",
      "  chat a 0–0 failed !_OTHER",
      "  chat b 0–10 cancelled",
    ]);
  }
});

Deno.test("instrument() makes attempts children of their call without a context manager", async () => {
  await using sdk = new Sdk();
  context.disable();
  const spanCase = cases.find(({ name }) => name === "a fallback")!;
  await virtualTime(() => play(spanCase, instrument()));
  assertEquals(lines(sdk.spans()), spanCase.spans);
});

Deno.test("instrument() ends all spans if a listener around it aborts when an attempt starts", async () => {
  await using sdk = new Sdk();
  const ours: TracingListener = instrument();
  const controller = new AbortController();
  const onEvent: TracingListener = (event) => {
    // The listener of `instrument()` gets "cancelled" before "started".
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

Deno.test("instrument() ends the spans of attempts whose errors cannot be read", async () => {
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
    // The SDK itself warns about a name that is not a string.
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
