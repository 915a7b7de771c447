import { fallbackModel, fallbackStream } from "@fallback/stream";
import { continueStream } from "@fallback/stream/continue";
import { assertEquals } from "@std/assert";
import { test } from "../_test_without_permissions.ts";
import { findViolation, violation } from "./_check.ts";
import { findReentrantViolation } from "./_reentrant.ts";

const subject = { continueStream, fallbackModel, fallbackStream };

test("fallbackStream() does what the reference model computes in 8,000 random scenarios", async () => {
  const found = await findViolation(subject, { runs: 8_000, seed: 20_261 });
  assertEquals(found, undefined, found);
});

test("fallbackStream() keeps its invariants in 4,000 random scenarios in which user code interferes", async () => {
  const runs = { runs: 4_000, seed: 20_262 };
  const found = await findReentrantViolation(subject, runs);
  assertEquals(found, undefined, found);
});

test("violation() accepts a scenario that is pasted from a run", async () => {
  const found = await violation(subject, {
    chain: {
      models: [{
        name: "m0",
        scripts: [[{ do: "chunk", kind: "text" }, { do: "hang" }]],
        kind: "generator",
        ignoresAbort: true,
        disposeScript: [{ do: "wait", ms: 5 }],
      }],
      options: {
        isContent: false,
        isFinal: false,
        allowEmpty: false,
        closeMs: 40,
      },
    },
    actions: [{ do: "pull, then", ms: 7, then: "return" }],
    abortAt: 100,
  });
  assertEquals(found, undefined, found);
});

test("fallbackStream() tries a hedge whose retry was refused last, without another delay (R21)", async () => {
  const found = await violation(subject, {
    chain: {
      models: [{
        name: "m0",
        scripts: [[{ do: "chunk", kind: "odd" }]],
        kind: "generator",
        ignoresAbort: false,
        stackScript: [{ do: "wait", ms: 1 }],
      }, {
        name: "m1",
        scripts: [[{ do: "fail", error: "e0" }], []],
        kind: "generator",
        ignoresAbort: false,
        admissions: [
          { gives: "yes", slowMs: 1 },
          { gives: "no", slowMs: 1 },
        ],
      }],
      options: {
        isContent: true,
        isFinal: false,
        allowEmpty: false,
        closeMs: 1_000,
        fallbackOn: { refuse: "odd" },
        retry: { maxAttempts: 3, minDelayMs: 3, maxDelayMs: 401 },
        hedge: { afterMs: 1, maxInFlight: 2 },
        health: true,
      },
    },
    actions: [],
  });
  assertEquals(found, undefined, found);
});

test("fallbackStream() hedges while a retry waits for a circuit to close (R19, R21)", async () => {
  const found = await violation(subject, {
    chain: {
      models: [{
        name: "m0",
        scripts: [[{ do: "fail", error: "e0" }], []],
        kind: "generator",
        ignoresAbort: false,
        admissions: [{ gives: "yes" }, { gives: "no", retryInMs: 2 }],
      }, {
        name: "m1",
        scripts: [[]],
        kind: "generator",
        ignoresAbort: false,
      }],
      options: {
        isContent: false,
        isFinal: false,
        allowEmpty: false,
        closeMs: 1_000,
        retry: { maxAttempts: 2, minDelayMs: 81, maxDelayMs: 401 },
        hedge: { afterMs: 1, maxInFlight: 2 },
        health: true,
      },
    },
    actions: [],
    abortAt: 82,
  });
  assertEquals(found, undefined, found);
});
