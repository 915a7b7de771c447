// Calls and their spans: everything that models can do.

import type {
  FallbackOptions,
  fallbackStream,
  HealthStore,
} from "@fallback/stream";
import { type Script, step } from "@fallback/stream/testing";

type Options = Omit<FallbackOptions<unknown, string>, "signal">;
export type Stream = Awaited<
  ReturnType<typeof fallbackStream<unknown, string>>
>;

export interface SpanCase {
  readonly name: string;
  /** The scripts of the models `a`, `b`, … for each of their calls. */
  readonly scripts: Script<string>[][];
  readonly options?: Options;
  /** When the caller aborts, in milliseconds from the call. */
  readonly abortAt?: number;
  /** With which reason, unless it is `reset`. */
  readonly reason?: unknown;
  /** How the caller reads the stream, unless it reads all of it. */
  read?(stream: Stream): Promise<unknown>;
  /** The expected spans, as `lines()` formats them. */
  readonly spans: string[];
}

export const overloaded = Object.assign(new Error("overloaded"), {
  status: 529,
});
export const reset = new TypeError("reset");
const refused = new Error("refused");
const closed: HealthStore = {
  admit: (model) =>
    model === "a" ? { admit: false, retryAt: 9000 } : { admit: true },
  report: () => {},
};

/** Calls in which the caller reads the whole stream. */
export const modelCases: readonly SpanCase[] = [
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
    name: "a fallback",
    scripts: [[[step.wait(10), step.fail(overloaded)]], [[step.wait(20), "x"]]],
    spans: [
      "chat 0–30 completed",
      "  chat a 0–10 failed !529",
      "  chat b 10–30 completed",
    ],
  },
  {
    name: "an answer within the millisecond of the call",
    scripts: [[[step.fail(overloaded)]], [["x"]]],
    spans: [
      "chat 0–0 completed",
      "  chat a 0–0 failed !529",
      "  chat b 0–0 completed",
    ],
  },
  {
    name: "a call in which every model fails",
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
    name: "an answer that is interrupted",
    scripts: [[["x", step.wait(10), step.fail(reset)]], [["y"]]],
    spans: [
      "chat 0–10 interrupted !TypeError",
      "  chat a 0–10 interrupted !TypeError",
    ],
  },
  {
    name: "an answer that is truncated",
    scripts: [[["x", step.wait(10), step.end()]]],
    options: { isFinal: (chunk) => chunk === "z" },
    spans: [
      "chat 0–10 interrupted !TruncatedStreamError",
      "  chat a 0–10 interrupted !TruncatedStreamError",
    ],
  },
  {
    name: "an answer that exceeds idleMs",
    scripts: [[["x", step.hang()]]],
    options: { timeouts: { idleMs: 30 } },
    spans: [
      "chat 0–30 interrupted !ModelTimeoutError",
      "  chat a 0–30 interrupted !ModelTimeoutError",
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
    name: "a failure that fallbackOn refuses during a hedge",
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
    name: "a fallbackOn that throws",
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
    name: "a model that is skipped and tried last",
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
    name: "models that throw something other than errors",
    scripts: [[[step.fail("overloaded")]], [[step.fail(undefined)]]],
    spans: [
      "chat 0–0 failed !AllModelsFailedError",
      "  chat a 0–0 failed !_OTHER",
      "  chat b 0–0 failed !_OTHER",
    ],
  },
];
