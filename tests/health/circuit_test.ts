// The state of one model as plain data: how it changes, and how it is stored.

import { assertEquals, assertStrictEquals } from "@std/assert";
import {
  type Circuit,
  type CircuitEvent,
  clampTimes,
  CLOSED,
  reduce,
} from "../../src/health/_circuit.ts";
import { decodeCircuit } from "../../src/health/_decode_circuit.ts";
import { decodeName, encodeName } from "../../src/health/_model_key.ts";
import {
  CIRCUIT_OPTION_NAMES,
  parseCircuitOptions,
} from "../../src/health/circuit_options.ts";
import { test } from "../_test_without_permissions.ts";

const OPTIONS = parseCircuitOptions({}, CIRCUIT_OPTION_NAMES);
const OPEN = {
  state: "open",
  retryAt: 9000,
  probing: false,
  failures: 2,
  failedProbes: 1,
} as const;

/** A closed circuit with one call at each of these times. */
const closedWith = (...times: number[]): Circuit => ({
  state: "closed",
  window: times.map((at) => ({ at, calls: 1, failures: 1 })),
});

test("clampTimes() corrects only times that are impossible", () => {
  const latest = { ...OPEN, retryAt: 301_000 }; // 300 s is the longest.
  const possible = [CLOSED, closedWith(900, 1000), OPEN, latest];
  for (const circuit of possible) {
    assertStrictEquals(clampTimes(circuit, 1000, OPTIONS), circuit);
  }
  const late = { ...OPEN, retryAt: 301_001 };
  assertEquals(clampTimes(late, 1000, OPTIONS), { ...OPEN, retryAt: 1000 });
  assertEquals(clampTimes(late, 1000, OPTIONS, 7), { ...OPEN, retryAt: 7 });
  assertEquals(
    clampTimes(closedWith(500, 900, 1001), 1000, OPTIONS),
    closedWith(500, 900, 1000),
  );
});

test("reduce() returns the same circuit if an event changes nothing", () => {
  const cases: [Circuit, CircuitEvent["type"], at: number, wait?: number][] = [
    [CLOSED, "success", 8000],
    [CLOSED, "probe", 8000],
    [CLOSED, "released", 8000],
    [OPEN, "probe", 8999],
    [OPEN, "released", 8000],
    [OPEN, "failure", 9500],
    [OPEN, "failure", 8000, 1000],
  ];
  for (const [circuit, type, at, retryAfterMs = 0] of cases) {
    const event = { type, at, retryAfterMs };
    assertStrictEquals(reduce(circuit, event, OPTIONS), circuit, type);
  }
});

const LATEST = 8.64e15;
const SLICE = { at: 5, calls: 2, failures: 1 };
const slices = (length: number) => Array(length).fill(SLICE);

test("decodeCircuit() reads a circuit, and leaves out what it does not know", () => {
  const windows = [
    [{ at: -LATEST, calls: 0, failures: 0 }, { ...SLICE, at: LATEST }],
    [{ ...SLICE, failures: 2 }, SLICE],
    slices(1000),
  ];
  const valid = [
    CLOSED,
    ...windows.map((window) => ({ state: "closed", window })),
    OPEN,
    { ...OPEN, probing: true, failures: 0, failedProbes: 0 },
    { ...OPEN, retryAt: LATEST, failures: 2 ** 53 - 1 },
    { ...OPEN, retryAt: -LATEST },
    { ...OPEN, retryAt: 0.5 },
  ];
  for (const circuit of valid) {
    assertEquals(decodeCircuit({ ...circuit, unit: "ms" }) as unknown, circuit);
  }
  const window = [{ ...SLICE, model: "gpt" }];
  assertEquals(
    decodeCircuit({ state: "closed", window }),
    { state: "closed", window: [SLICE] },
  );
});

test("decodeCircuit() reads what is no circuit as a closed one", () => {
  const times = [undefined, null, "5", NaN, Infinity, LATEST + 1, -LATEST - 1];
  const counts = [undefined, null, "5", NaN, -1, 0.5, 2 ** 53];
  const windows = [
    ...[undefined, null, {}, "", { length: 0 }, slices(1001), Array(1)],
    [SLICE, { ...SLICE, at: 4 }],
    ...[...times, ...counts.map((calls) => ({ ...SLICE, calls }))],
    ...times.map((at) => [{ ...SLICE, at }]),
    ...counts.map((failures) => [SLICE, { ...SLICE, failures }]),
    ...counts.map((calls) => [{ ...SLICE, calls }, SLICE]),
    [{ ...SLICE, failures: 3 }],
  ];
  const invalid = [
    ...[undefined, null, 5, "closed", [], {}, { ...OPEN, state: "half-open" }],
    ...windows.map((window) => ({ state: "closed", window })),
    ...times.map((retryAt) => ({ ...OPEN, retryAt })),
    ...[undefined, null, 0, "true"].map((probing) => ({ ...OPEN, probing })),
    ...counts.map((failures) => ({ ...OPEN, failures })),
    ...counts.map((failedProbes) => ({ ...OPEN, failedProbes })),
  ];
  for (const value of invalid) {
    assertStrictEquals(decodeCircuit(value), CLOSED, Deno.inspect(value));
  }
});

test("encodeName() and decodeName() translate between names and keys", () => {
  const keys = {
    "gpt-5": "gpt-5",
    "a b/\u00e4%": "a%20b%2F%C3%A4%25",
    "\u{1f600}": "%F0%9F%98%80",
    "\ud800a": "utf16:d8000061",
    "utf16:d800": "utf16%3Ad800",
    "": "",
  };
  for (const [name, key] of Object.entries(keys)) {
    assertEquals(encodeName(name), key);
    assertEquals(decodeName(key), name);
  }
  const others = ["%", "a b", "%61", "utf16:0061", "utf16:d800 ", "a:", 7];
  for (const key of others) assertEquals(decodeName(key), undefined);
});
