// What each metric of `instrument()` counts or measures.

import { type FallbackOptions, fallbackStream } from "@fallback/stream";
import { continueStream } from "@fallback/stream/continue";
import { memoryHealth } from "@fallback/stream/health";
import { instrument } from "@fallback/stream/otel";
import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
import { assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { OpenCircuits } from "../../src/otel/_open_circuits.ts";
import { type Point, Sdk } from "./_sdk.ts";

const overloaded = Object.assign(new Error("overloaded"), { status: 529 });

/** A model that fails and one that answers. */
function models() {
  const llama = [step.wait(20), step.open(), step.wait(30), "", "the answer"];
  return [
    fakeModel("gpt", [step.wait(100), step.fail(overloaded)]),
    fakeModel("llama", llama, { isContent: (chunk) => chunk !== "" }),
  ];
}

/** The points of a metric, one a line: attributes, count of values, sum. */
function pointsOf(
  metrics: Record<string, Point[]>,
): (name: string) => string[] | undefined {
  return (name) =>
    metrics[name]?.map(({ attributes, count, sum }) =>
      [
        attributes["fallback.model"] ?? "call",
        attributes["fallback.outcome"],
        attributes["fallback.needed"],
        attributes["gen_ai.token.type"],
        attributes["error.type"],
        count,
        sum,
      ].filter((value) => value !== undefined).join(" ")
    ).toSorted();
}

Deno.test("instrument() measures calls, attempts, the time to first content, tokens and hedges", async () => {
  await using sdk = new Sdk();
  const onEvent = instrument();
  await virtualTime(async () => {
    const withUsage = () => {
      const [gpt, llama] = models();
      const usage = (chunk: string) =>
        chunk === "" ? { inputTokens: 12 } : { outputTokens: 3 };
      return [gpt!, { ...llama!, usage }];
    };
    const read = async (options = {}) => {
      const all = { ...options, onEvent };
      await using stream = await fallbackStream(withUsage(), "hi", all);
      await Array.fromAsync(stream);
    };
    await read();
    await read();
    // llama starts after 40 ms, and has content after another 50.
    await read({ hedge: { afterMs: 40 } });
    const never = { signal: AbortSignal.timeout(1000), onEvent };
    const hangs = fakeModel("hangs", [step.hang()]);
    await fallbackStream([hangs], "hi", never).catch(() => {});
    const [gpt] = models();
    await fallbackStream([gpt!], "hi", { onEvent }).catch(() => {});
  });
  const points = pointsOf(await sdk.metrics());
  assertEquals(points("gen_ai.client.inference.duration"), [
    "gpt failed 529 3 0.3",
    "gpt lost 1 0.09",
    "hangs cancelled 1 1",
    "llama completed 3 0.15",
  ]);
  assertEquals(points("gen_ai.client.inference.time_to_first_chunk"), [
    "llama 3 0.15",
  ]);
  assertEquals(points("gen_ai.client.token.usage"), [
    "llama completed input 3 36",
    "llama completed output 3 9",
  ]);
  assertEquals(points("gen_ai.client.inference.usage.input_tokens"), [
    "llama completed 36",
  ]);
  assertEquals(points("gen_ai.client.inference.usage.output_tokens"), [
    "llama completed 9",
  ]);
  assertEquals(points("fallback.call.duration"), [
    "call cancelled 1 1",
    "call completed 3 0.39",
    "call failed 529 1 0.1",
  ]);
  assertEquals(points("fallback.call.time_to_first_content"), [
    "call true 3 0.39",
  ]);
  assertEquals(points("fallback.call.attempts"), [
    "call cancelled 1 1",
    "call completed 3 6",
    "call failed 529 1 1",
  ]);
  assertEquals(points("fallback.hedges"), ["gpt 1"]);
  assertEquals(points("fallback.hedges.won"), ["llama 1"]);
});

Deno.test("fallback.circuits.* count a circuit as open from its first skip until its model answers", async () => {
  await using sdk = new Sdk();
  const onEvent = instrument();
  const health = memoryHealth({ failureThreshold: 1, cooldownMs: 1000 });
  const points = async () => {
    const points = pointsOf(await sdk.metrics());
    return ["skips", "circuits.opened", "circuits.closed"].map((name) =>
      points(`fallback.${name}`)
    );
  };
  const fails = [step.fail(overloaded)];
  const a = fakeModel("a", { scripts: [fails, ["a"], ["a"], fails, ["a"]] });
  const b = fakeModel("b", ["b"]);
  const read = async (models: readonly typeof a[]) => {
    const options: FallbackOptions<unknown, string> = { onEvent, health };
    await using stream = await fallbackStream(models, "hi", options);
    return (await Array.fromAsync(stream)).join();
  };
  await virtualTime(async () => {
    assertEquals(await read([a, b]), "b");
    assertEquals(await points(), [undefined, undefined, undefined]);
    assertEquals(await read([a, b]), "b");
    assertEquals(await points(), [["a 1"], ["a 1"], ["a 0"]]);
    assertEquals(await read([a, b]), "b");
    assertEquals(await points(), [["a 2"], ["a 1"], ["a 0"]]);
    await delay(1000);
    assertEquals(await read([a, b]), "a", "a probe");
    assertEquals(await points(), [["a 2"], ["a 1"], ["a 1"]]);
    assertEquals(await read([a, b]), "a");
    assertEquals(await read([a, b]), "b");
    assertEquals(await read([a]), "a", "skipped, and tried all the same");
    assertEquals(await points(), [["a 3"], ["a 2"], ["a 2"]]);
  });
});

Deno.test("OpenCircuits forgets the oldest of more than 1,000 models", () => {
  const circuits = new OpenCircuits();
  for (let i = 0; i <= 1000; i++) circuits.open(`${i}`);
  assertEquals([circuits.close("0"), circuits.close("1")], [false, true]);
  assertEquals([circuits.open("1000"), circuits.open("1")], [false, true]);
});

Deno.test("fallback.call.time_to_first_content has fallback.needed: true where the first model was skipped", async () => {
  await using sdk = new Sdk();
  const health = {
    admit: (model: string) => ({ admit: model !== "a", retryAt: 1e12 }),
    report: () => {},
  };
  const onEvent = instrument();
  await virtualTime(async () => {
    for (const names of [["a", "b"], ["b", "a"]]) {
      const models = names.map((name) => fakeModel(name, ["x"]));
      const options = { onEvent, health };
      await using stream = await fallbackStream(models, "hi", options);
      await Array.fromAsync(stream);
    }
  });
  const points = pointsOf(await sdk.metrics());
  assertEquals(points("fallback.call.time_to_first_content"), [
    "call false 1 0",
    "call true 1 0",
  ]);
});

Deno.test("fallback.call.time_to_first_content has fallback.needed: false where the first model answers after a retry, or beside a hedge", async () => {
  await using sdk = new Sdk();
  const onEvent = instrument();
  const backup = fakeModel("b", [step.hang()]);
  await virtualTime(async () => {
    const scripts = [[step.fail(new Error("reset"))], ["x"]];
    const retried = fakeModel("a", { scripts });
    const retry = { minDelayMs: 0, maxDelayMs: 0 };
    const slow = fakeModel("a", [step.wait(20), "x"]);
    const hedge = { afterMs: 10 };
    for (
      const [model, options] of [[retried, { retry }], [slow, {
        hedge,
      }]] as const
    ) {
      await using stream = await fallbackStream([model, backup], "hi", {
        onEvent,
        ...options,
      });
      await Array.fromAsync(stream);
    }
  });
  const points = pointsOf(await sdk.metrics());
  assertEquals(points("fallback.call.time_to_first_content"), [
    "call false 2 0.02",
  ]);
  assertEquals(points("fallback.retries"), ["a 1"]);
});

Deno.test("fallback.continuations counts the calls that continue an answer, by their outcome", async () => {
  await using sdk = new Sdk();
  const onEvent = instrument();
  const breaks = ["x", step.wait(10), step.fail(new TypeError("reset"))];
  const chains = [
    [["x"], ["y"]],
    [breaks, ["y"]],
    [breaks, breaks, ["y"]],
    [breaks, [step.fail(overloaded)]],
  ];
  await virtualTime(async () => {
    for (const scripts of chains) {
      const models = scripts.map((script, i) => fakeModel(`${i}`, script));
      const options = { onEvent, resume: () => "go on" };
      await using stream = await continueStream(models, "hi", options);
      await Array.fromAsync(stream).catch(() => {});
    }
  });
  const points = pointsOf(await sdk.metrics());
  assertEquals(points("fallback.continuations"), [
    "call completed 1", // by "1"
    "call completed 1", // by "2"
    "call failed AllModelsFailedError 1",
    "call interrupted TypeError 1",
  ]);
  // The caller of a continued answer had its first content before.
  assertEquals(points("fallback.call.time_to_first_content"), [
    "call false 4 0",
  ]);
});

Deno.test("gen_ai.client.inference.time_per_output_chunk is the mean time between the chunks of an answer", async () => {
  await using sdk = new Sdk();
  const onEvent = instrument();
  const scripts = [
    [step.wait(100), "a", step.wait(10), "b", step.wait(40), "c"],
    [step.wait(100), "a", step.wait(30), "b"],
    [step.wait(100), "the only chunk"],
    ["", "", "", step.fail(overloaded)],
  ];
  await virtualTime(async () => {
    const isContent = (chunk: string) => chunk !== "";
    const models = scripts.map((script) =>
      fakeModel("a", script, { isContent })
    );
    for (const model of models) {
      await fallbackStream([model], "hi", { onEvent })
        .then((stream) => Array.fromAsync(stream)).catch(() => {});
    }
  });
  const points = pointsOf(await sdk.metrics());
  assertEquals(points("gen_ai.client.inference.time_per_output_chunk"), [
    "a completed 2 0.055",
  ]);
});
