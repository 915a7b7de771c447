// Which span is active while code of a model or of the caller runs, and which
// SDK receives it.

import {
  runInContext,
  type TracingListener,
} from "../../src/engine/listener.ts";
import {
  fallbackModel,
  type FallbackOptions,
  fallbackStream,
  type HealthStore,
  type Model,
  type StreamSource,
} from "@fallback/stream";
import { continueStream } from "@fallback/stream/continue";
import { instrument } from "@fallback/stream/otel";
import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
import { context, metrics, trace } from "@opentelemetry/api";
import { assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { lines, Sdk } from "./_sdk.ts";

/** Stands for the client of a provider, which starts spans of its own. */
function request(name: string): void {
  trace.getTracer("provider").startSpan(name, { startTime: new Date() })
    .end(new Date());
}

async function* generator(): AsyncGenerator<string> {
  request("first pull");
  await delay(1);
  request("first pull, later");
  yield "x";
  request("second pull");
  await delay(1);
  request("second pull, later");
  yield "y";
  await delay(1);
  request("last pull, later");
}

async function opened(): Promise<AsyncGenerator<string>> {
  request("opening");
  await delay(1);
  request("opening, later");
  return generator();
}

function readable(): ReadableStream<string> {
  const source = generator();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await source.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  }, { highWaterMark: 0 });
}

function iterable(): AsyncIterable<string> {
  const source = generator();
  return { [Symbol.asyncIterator]: () => ({ next: () => source.next() }) };
}

const PULLS = [
  "first pull",
  "first pull, later",
  "second pull",
  "second pull, later",
  "last pull, later",
];

const kinds: [
  string,
  () => StreamSource<string> | Promise<StreamSource<string>>,
  string[],
][] = [
  ["generator", generator, PULLS],
  ["generator that is opened", opened, ["opening", "opening, later", ...PULLS]],
  ["ReadableStream", readable, PULLS],
  ["plain iterable", iterable, PULLS],
];

for (const [kind, stream, expected] of kinds) {
  Deno.test(`instrument() makes the spans of a provider children of the attempt: ${kind}`, async () => {
    await using sdk = new Sdk();
    await virtualTime(async () => {
      const model: Model<unknown, string> = { name: "a", stream };
      const onEvent: TracingListener = instrument();
      await using answer = await fallbackStream([model], "hi", { onEvent });
      await delay(10);
      assertEquals(await Array.fromAsync(answer), ["x", "y"]);
      assertEquals(trace.getActiveSpan(), undefined);
    });
    const names = lines(sdk.spans()).map((line) => line.split(/ \d/)[0]);
    assertEquals(names, [
      "chat",
      "  chat a",
      ...expected.map((name) => `    ${name}`),
    ]);
  });
}

Deno.test("instrument() makes the spans of a provider children of the right attempt during a hedge", async () => {
  await using sdk = new Sdk();
  await virtualTime(async () => {
    const slow: Model<unknown, string> = {
      name: "slow",
      async stream() {
        request("slow opening");
        await delay(20);
        request("slow opening, later");
        return await new Promise<never>(() => {});
      },
    };
    const quick: Model<unknown, string> = {
      name: "quick",
      async stream() {
        await delay(20);
        return generator();
      },
    };
    await using answer = await fallbackStream([slow, quick], "hi", {
      onEvent: instrument(),
      hedge: { afterMs: 10 },
    });
    await Array.fromAsync(answer);
  });
  const actual = lines(sdk.spans())
    .filter((line) => !line.includes(" * "))
    .map((line) => line.split(/ \d/)[0]);
  assertEquals(actual, [
    "chat",
    "  chat slow",
    "    slow opening",
    "    slow opening, later",
    "  chat quick",
    ...PULLS.map((name) => `    ${name}`),
  ]);
});

Deno.test("instrument() makes the spans of a provider children of the attempt of a nested chain", async () => {
  await using sdk = new Sdk();
  await virtualTime(async () => {
    const onEvent: TracingListener = instrument();
    const failing = fakeModel<string>("failing", [step.fail(new Error("no"))]);
    const model: Model<unknown, string> = { name: "a", stream: opened };
    const inner = fallbackModel([failing, model], { onEvent });
    await using answer = await fallbackStream([inner], "hi", { onEvent });
    await Array.fromAsync(answer);
  });
  assertEquals(lines(sdk.spans()).map((line) => line.split(/ \d/)[0]), [
    "chat",
    "  chat fallback:failing,a",
    "    chat",
    "      chat failing",
    "      chat a",
    "        opening",
    "        opening, later",
    ...PULLS.map((name) => `        ${name}`),
  ]);
});

Deno.test("instrument() makes a call, and each call that continues it, a child of the active span", async () => {
  await using sdk = new Sdk();
  await virtualTime(async () => {
    const models: Model<unknown, string>[] = [
      fakeModel("breaks", ["x", step.fail(new Error("reset"))]),
      { name: "a", stream: generator },
    ];
    const tracer = trace.getTracer("caller");
    const startTime = new Date();
    await tracer.startActiveSpan("handler", { startTime }, async (span) => {
      await using answer = await continueStream(models, "hi", {
        onEvent: instrument(),
        resume: () => "go on",
      });
      await Array.fromAsync(answer);
      assertEquals(trace.getActiveSpan(), span);
      span.end(new Date());
    });
  });
  assertEquals(lines(sdk.spans()).map((line) => line.split(/ \d/)[0]), [
    "handler",
    "  chat",
    "    chat breaks",
    "  chat",
    "    chat a",
    ...PULLS.map((name) => `      ${name}`),
  ]);
});

Deno.test("instrument() makes the span of the call active in fallbackOn", async () => {
  await using sdk = new Sdk();
  await virtualTime(async () => {
    const failing = fakeModel("a", [step.fail(new Error("no"))]);
    const options: FallbackOptions<unknown, string> = {
      onEvent: instrument(),
      fallbackOn: () => {
        request("moderation");
        return true;
      },
    };
    await fallbackStream([failing], "hi", options).catch(() => {});
  });
  assertEquals(lines(sdk.spans()).map((line) => line.split(/ \d/)[0]), [
    "chat",
    "  moderation",
    "  chat a",
  ]);
});

async function answer(onEvent: ReturnType<typeof instrument>): Promise<void> {
  const model: Model<unknown, string> = { name: "a", stream: generator };
  await using stream = await fallbackStream([model], "hi", { onEvent });
  await Array.fromAsync(stream);
}

Deno.test("instrument() wraps and records nothing without an SDK", async () => {
  const onEvent: TracingListener = instrument();
  assertEquals(onEvent[runInContext], undefined);
  await virtualTime(() => answer(onEvent));
  const attempts: [] = [];
  assertEquals(onEvent({ type: "cancelled", at: 0, attempts }), undefined);
});

Deno.test("instrument() records the next calls in an SDK that is registered later", async () => {
  const onEvent: TracingListener = instrument();
  await virtualTime(() => answer(onEvent));
  {
    await using sdk = new Sdk();
    await virtualTime(() => answer(onEvent));
    assertEquals(sdk.spans().at(-1)?.name, "chat");
    assertEquals(Object.keys(await sdk.metrics()).toSorted(), [
      "fallback.call.attempts",
      "fallback.call.duration",
      "fallback.call.time_to_first_content",
      "gen_ai.client.inference.duration",
      "gen_ai.client.inference.time_per_output_chunk",
      "gen_ai.client.inference.time_to_first_chunk",
    ]);
  }
  assertEquals(onEvent[runInContext], undefined);
  await virtualTime(() => answer(onEvent));
});

Deno.test("instrument() records the metrics in each SDK that replaces another", async () => {
  const onEvent: TracingListener = instrument();
  const failing = fakeModel("a", [step.fail(new Error("no"))]);
  const health: HealthStore = {
    admit: () => ({ admit: false, retryAt: 9000 }),
    report: () => {},
  };
  for (let i = 0; i < 2; i++) {
    await using sdk = new Sdk();
    await virtualTime(() =>
      assertRejects(() => fallbackStream([failing], "hi", { onEvent, health }))
    );
    const {
      "fallback.call.duration": durations,
      "fallback.circuits.opened": circuits,
    } = await sdk.metrics();
    assertEquals(durations?.map(({ count }) => count), [1]);
    assertEquals(circuits?.map(({ sum }) => sum), [1]);
  }
});

Deno.test("instrument() records no part of a call that began before the SDK was registered", async () => {
  await virtualTime(async () => {
    const onEvent: TracingListener = instrument();
    const model = fakeModel("a", ["x", "y"]);
    await using stream = await fallbackStream([model], "hi", { onEvent });
    await stream.next();
    await using sdk = new Sdk();
    await stream.next();
    await stream.next();
    assertEquals(sdk.spans(), []);
  });
});

Deno.test("instrument() works with an SDK that has only metrics or only spans", async () => {
  const onEvent: TracingListener = instrument();
  {
    await using sdk = new Sdk();
    trace.disable();
    context.disable();
    await virtualTime(() => answer(onEvent));
    const { "fallback.call.duration": points } = await sdk.metrics();
    assertEquals(points?.map(({ count }) => count), [1]);
    assertEquals(sdk.spans(), []);
  }
  {
    await using sdk = new Sdk();
    metrics.disable();
    await virtualTime(() => answer(onEvent));
    assertEquals(sdk.spans().at(-1)?.name, "chat");
    assertEquals(await sdk.metrics(), {});
  }
});
