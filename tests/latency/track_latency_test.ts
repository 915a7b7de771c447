import {
  type FallbackEvent,
  fallbackModel,
  fallbackStream,
} from "@fallback/stream";
import { type LatencySnapshot, trackLatency } from "@fallback/stream/latency";
import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
import {
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import { feed, feedAll, uniform } from "./_samples.ts";

const bounds = { min: 1, max: 600_000, initial: 5_000 };

Deno.test("trackLatency() estimates the quantiles of 10,000 samples within 5 %", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 31 }),
      fc.constantFrom(0.5, 0.9, 0.95, 0.99),
      (seed, q) => {
        const random = uniform(seed, 10_000);
        // Log-uniform between 20 ms and 8 s.
        const times = random.map((r) => 20 * 400 ** r);
        const tracker = trackLatency({ halfLifeSamples: 1_000_000 });
        feedAll(tracker, "answered", times);
        const exact = times.toSorted((a, b) => a - b)[
          Math.ceil(q * times.length) - 1
        ]!;
        const estimate = tracker.quantile(q, bounds)("m");
        assertAlmostEquals(estimate / exact, 1, 0.05);
      },
    ),
    { numRuns: 20 },
  );
});

Deno.test("quantile() of trackLatency() is initial until 30 attempts have answered", () => {
  const tracker = trackLatency();
  const quantile = tracker.quantile(0.95, bounds);
  for (let i = 0; i < 30; i++) {
    assertEquals(quantile("m"), 5_000);
    feed(tracker, "refused", 1);
    feed(tracker, "answered", 100);
  }
  assertLess(quantile("m"), 120);
  assertEquals(quantile("another"), 5_000);
});

Deno.test("quantile() of trackLatency() is max if 30 attempts were stopped before they answered", () => {
  const stopped = ["open", "firstContent", "lost", "cancelled"] as const;
  const others = ["idle", "total", "close", "refused"] as const;
  for (const type of [...stopped, ...others]) {
    const tracker = trackLatency();
    const quantile = tracker.quantile(0.95, bounds);
    feedAll(tracker, "answered", Array(20).fill(2_000));
    feedAll(tracker, type, Array(29).fill(2_000));
    assertEquals(quantile("m"), bounds.initial, type);
    feed(tracker, type, 2_000);
    const expected = stopped.some((each) => each === type)
      ? bounds.max
      : bounds.initial;
    assertEquals(quantile("m"), expected, type);
  }
});

Deno.test("an outage does not push the quantiles of trackLatency() to their bound", () => {
  const tracker = trackLatency();
  const quantile = tracker.quantile(0.95, { ...bounds, factor: 4 });
  feedAll(tracker, "answered", Array(200).fill(500));
  const before = quantile("m");
  feedAll(tracker, "firstContent", Array(100).fill(2_000));
  assertAlmostEquals(quantile("m") / before, 1, 0.05);
});

Deno.test("a quantile of trackLatency() does not fall when slow attempts are stopped early", () => {
  // Ten values, of which the upper three are stopped at 300 ms in the second
  // tracker, as a hedge after 300 ms would do with most of them.
  const times = [100, 120, 140, 160, 180, 200, 220, 400, 600, 900];
  const all = trackLatency();
  const hedged = trackLatency();
  for (let i = 0; i < 100; i++) {
    for (const ms of times) {
      feed(all, "answered", ms);
      if (ms < 300 || i % 5 === 0) feed(hedged, "answered", ms);
      else feed(hedged, "lost", 300);
    }
  }
  const [exact, estimate] = [all, hedged]
    .map((tracker) => tracker.quantile(0.95, bounds)("m"));
  assertAlmostEquals(estimate! / exact!, 1, 0.15);
});

Deno.test("trackLatency() forgets by samples and by time, the slower one", () => {
  const quick = trackLatency();
  const slow = trackLatency();
  feedAll(quick, "answered", Array(300).fill(100));
  feedAll(slow, "answered", Array(300).fill(100));
  // At once, time holds the old samples; a minute apart, the samples do.
  for (let i = 0; i < 300; i++) {
    feed(quick, "answered", 1_000);
    feed(slow, "answered", 1_000, { startedAt: (i + 1) * 60_000 });
  }
  assertLess(quick.quantile(0.4, bounds)("m"), 120);
  assertGreater(slow.quantile(0.4, bounds)("m"), 900);
});

Deno.test("trackLatency() forgets half within 200 samples or 10 minutes unless it has options", () => {
  for (const gapMs of [1_000, 3_600_000]) {
    const trackers = [{}, { halfLifeSamples: 200, halfLifeMs: 600_000 }]
      .map(trackLatency);
    for (let i = 0; i < 1_000; i++) {
      const options = { startedAt: i * gapMs };
      for (const each of trackers) feed(each, "answered", 100 + i, options);
    }
    const [byDefault, explicit] = trackers.map((each) => each.snapshot());
    assertEquals(byDefault, explicit);
  }
});

Deno.test("trackLatency() counts the samples of each model right, however many there have been", () => {
  const tracker = trackLatency({ halfLifeSamples: 10 });
  // The weights of two samples are divided after 1,000 of them.
  for (let i = 0; i < 1_050; i++) {
    for (const model of ["a", "b"]) {
      feed(tracker, "answered", 5, { model, startedAt: i * 1e9 });
    }
    if (i < 100) continue;
    assertEquals(tracker.snapshot().map(({ samples }) => samples), [15, 15]);
  }
});

Deno.test("trackLatency() counts stopped attempts by their weight today", () => {
  for (
    const [minSamples, expected] of [[14, "max"], [15, "initial"]] as const
  ) {
    const tracker = trackLatency({ halfLifeSamples: 10, minSamples });
    for (let i = 0; i < 100; i++) {
      feed(tracker, "lost", 5, { startedAt: i * 1e9 });
    }
    assertEquals(tracker.quantile(0.5, bounds)("m"), bounds[expected]);
    assertEquals(tracker.snapshot(), [
      { model: "m", samples: 0, p50: Infinity, p95: Infinity, p99: Infinity },
    ]);
  }
});

Deno.test("quantile() of trackLatency() is multiplied by factor, then bounded by min and max", () => {
  const tracker = trackLatency();
  feedAll(tracker, "answered", Array(50).fill(1_000));
  const at = (limits: Partial<typeof bounds> & { factor?: number }) =>
    tracker.quantile(0.5, { ...bounds, ...limits })("m");
  assertAlmostEquals(at({ factor: 3 }) / at({}), 3, 0.001);
  assertEquals(at({ min: 2_000 }), 2_000);
  assertEquals(at({ max: 10, initial: 5, factor: 3 }), 10);
});

Deno.test("trackLatency() remembers the 256 models that were used last, each with its own times", () => {
  const tracker = trackLatency();
  const timeOf = (i: number) => 20 * 1.03 ** i;
  for (let i = 0; i < 300; i++) {
    feed(tracker, "answered", timeOf(i), { model: `m${i}` });
    feed(tracker, "answered", timeOf(0), { model: "m0" });
  }
  const snapshot = tracker.snapshot();
  assertEquals(
    snapshot.map(({ model }) => model),
    [...Array.from({ length: 255 }, (_, i) => `m${i + 45}`), "m0"],
  );
  assertEquals(snapshot.at(-1)!.samples, 301);
  for (const { model, p50 } of snapshot) {
    assertAlmostEquals(p50 / timeOf(Number(model.slice(1))), 1, 0.1, model);
  }
});

Deno.test("trackLatency() keeps nothing of a model that it has forgotten", () => {
  const tracker = trackLatency({ maxModels: 1, minSamples: 2 });
  const quantile = tracker.quantile(0.5, bounds);
  feedAll(tracker, "answered", Array(50).fill(100));
  assertLess(quantile("m"), 110);
  feed(tracker, "answered", 3_000, { model: "next" });
  assertEquals(quantile("next"), bounds.initial);
  assertEquals(quantile("m"), bounds.initial);
  feed(tracker, "answered", 3_000, { model: "next" });
  assertGreater(quantile("next"), 2_700);
});

Deno.test("quantile() of trackLatency() lies between the times that were answered, from q = 0 to q = 1", () => {
  for (let stopped = 0; stopped < 100; stopped++) {
    const tracker = trackLatency({ minSamples: 1 });
    feedAll(tracker, "answered", Array(100 - stopped).fill(300));
    feedAll(tracker, "answered", [100, 200]);
    feedAll(tracker, "lost", Array(stopped).fill(400));
    const [least, most] = [0, 1].map((q) => tracker.quantile(q, bounds)("m"));
    assertAlmostEquals(least! / 100, 1, 0.1);
    assertAlmostEquals(most! / 300, 1, 0.1);
  }
});

Deno.test("quantile() of trackLatency() interpolates within a bucket, of which each is 10 % wider than the one before", () => {
  const edge = (bucket: number) => 10 * 1.1 ** bucket;
  const cases: [times: number[], q: number, expected: number][] = [
    [[5, 5], 0, 0],
    [[5, 5], 0.5, edge(1) / 2],
    [[5, 5], 1, edge(1)],
    [[100, 1_000], 0, edge(24)],
    [[100, 1_000], 0.25, (edge(24) + edge(25)) / 2],
    [[100, 1_000], 0.5, edge(25)],
    [[100, 1_000], 0.75, (edge(48) + edge(49)) / 2],
    [[100, 1_000], 1, edge(49)],
    [[1e9], 0, edge(116)],
    [[1e9], 1, edge(117)],
  ];
  for (const [times, q, expected] of cases) {
    const tracker = trackLatency({ minSamples: 1 });
    const limits = { min: 0, max: 1e9, initial: 0 };
    // All at the same time, so that none weighs less.
    for (const ms of times) feed(tracker, "answered", ms, { startedAt: -ms });
    assertAlmostEquals(tracker.quantile(q, limits)("m"), expected, 1e-6);
  }
});

Deno.test("trackLatency() learns from the events of calls, and its times are used", () =>
  virtualTime(async () => {
    const tracker = trackLatency({ minSamples: 1 });
    const quantile = tracker.quantile(0.95, { ...bounds, factor: 2 });
    const scripts = [
      [step.wait(100), "a0"],
      [step.wait(100), "a0"],
      [step.hang()],
    ];
    const models = [fakeModel("a", { scripts }), fakeModel("b", ["b0"])];
    for (const expected of ["a", "a", "b"]) {
      const start = Date.now();
      await using stream = await fallbackStream(models, "hi", {
        onEvent: tracker,
        timeouts: { firstContentMs: quantile },
      });
      assertEquals(stream.model, expected);
      assertLess(Date.now() - start, 250);
    }
    assertEquals(
      tracker.snapshot().map(({ model, samples }) => [model, samples]),
      [["a", 2], ["b", 1]],
    );
  }));

Deno.test("trackLatency() counts a caller that leaves after the content as an answer only", () =>
  virtualTime(async () => {
    const freeze = ({ attempts }: FallbackEvent) =>
      attempts.forEach(Object.freeze);
    for (const other of [() => {}, freeze]) {
      const tracker = trackLatency({ minSamples: 10 });
      const quantile = tracker.quantile(0.5, bounds);
      feedAll(tracker, "cancelled", Array(9).fill(1));
      for (let i = 0; i < 3; i++) {
        const stream = await fallbackStream([fakeModel("m", ["x", "y"])], "", {
          onEvent: [other, tracker],
        });
        await stream.return();
      }
      assertEquals(tracker.snapshot()[0]?.samples, 3);
      // It would be the longest time if 10 attempts had been stopped.
      assertEquals(quantile("m"), bounds.initial);
    }
  }));

Deno.test("trackLatency() counts an answer as immediate if the clock was set back meanwhile", () => {
  const tracker = trackLatency();
  feed(tracker, "answered", -5_000, { startedAt: 10_000 });
  feed(tracker, "answered", 0, { startedAt: 1_000 });
  const [{ samples, p50 }] = tracker.snapshot() as [LatencySnapshot];
  assertEquals(samples, 2);
  assertLess(p50, 10);
});

Deno.test("trackLatency() sees the models of a nested chain only as its onEvent", () =>
  virtualTime(async () => {
    const cases = [
      { outer: true, inner: false, models: ["chain"] },
      { outer: false, inner: true, models: ["silent", "a"] },
      { outer: true, inner: true, models: ["silent", "a", "chain"] },
    ];
    for (const { outer, inner, models } of cases) {
      const tracker = trackLatency();
      const chain = fallbackModel(
        [
          fakeModel("silent", [step.hang()]),
          fakeModel("a", [step.wait(300), "a0"]),
        ],
        {
          name: "chain",
          timeouts: { firstContentMs: 1_000 },
          onEvent: inner ? tracker : [],
        },
      );
      await using _ = await fallbackStream([chain], "hi", {
        onEvent: outer ? tracker : [],
      });
      const snapshot = tracker.snapshot();
      assertEquals(snapshot.map(({ model }) => model), models);
      // The time of the chain includes that of the model that was silent.
      const last = snapshot.at(-1)!;
      assertAlmostEquals(last.p50 / (outer ? 1_300 : 300), 1, 0.1);
    }
  }));

Deno.test("trackLatency() rejects wrong arguments by name and value", () => {
  const track = (options: unknown) => () => trackLatency(options as never);
  const quantile = (q: number, other: object) => () =>
    trackLatency().quantile(q, { ...bounds, ...other });
  const cases: [() => unknown, new () => Error, string][] = [
    [track(5), TypeError, "'options' must be an object: current value is 5"],
    [
      track({ halfLife: 1 }),
      TypeError,
      "'options.halfLife' is not an option: known options are 'halfLifeSamples', 'halfLifeMs', 'minSamples', 'maxModels'",
    ],
    ...["halfLifeSamples", "minSamples", "maxModels"].map((
      name,
    ): typeof cases[number] => [
      track({ [name]: 0 }),
      RangeError,
      `'options.${name}' must be a positive integer: current value is 0`,
    ]),
    [
      track({ halfLifeMs: 0 }),
      RangeError,
      "'options.halfLifeMs' must be greater than 0: current value is 0",
    ],
    [
      track({ halfLifeMs: -1 }),
      RangeError,
      "'options.halfLifeMs' must be a number from 0 to 2147483647: current value is -1",
    ],
    [
      quantile(1.5, {}),
      RangeError,
      "'q' must be a number from 0 to 1: current value is 1.5",
    ],
    [
      quantile(0.5, { mean: 1 }),
      TypeError,
      "'bounds.mean' is not an option: known options are 'min', 'max', 'initial', 'factor'",
    ],
    [
      quantile(0.5, { min: -1 }),
      RangeError,
      "'bounds.min' must be a number from 0 to 2147483647: current value is -1",
    ],
    [
      quantile(0.5, { max: undefined }),
      TypeError,
      "'bounds.max' must be a number from 0 to 2147483647: current value is undefined",
    ],
    [
      quantile(0.5, { max: -1 }),
      RangeError,
      "'bounds.max' must be a number from 0 to 2147483647: current value is -1",
    ],
    [
      quantile(0.5, { min: 600_001 }),
      RangeError,
      "'bounds.min' must be <= 'bounds.max' (600000): current value is 600001",
    ],
    [
      quantile(0.5, { initial: 0 }),
      RangeError,
      "'bounds.initial' must be a number from 1 to 600000: current value is 0",
    ],
    [
      quantile(0.5, { factor: -1 }),
      RangeError,
      "'bounds.factor' must be a finite number >= 0: current value is -1",
    ],
  ];
  for (const [call, ErrorClass, message] of cases) {
    assertEquals(assertThrows(call, ErrorClass).message, message);
  }
});

Deno.test("trackLatency() and its quantile() take the least of each number", () => {
  const tracker = trackLatency({
    halfLifeSamples: 1,
    halfLifeMs: 0.1,
    minSamples: 1,
    maxModels: 1,
  });
  const least = { min: 0, max: 0, initial: 0, factor: 0 };
  assertEquals(tracker.quantile(0, least)("m"), 0);
});
