// The sixteen faults: what the first provider does, and what the client must receive.

import { step, wire, type WireScript } from "@fallback/stream/testing";
import type { Seen } from "./_client.ts";
import { ANSWER, chunk, ending, TOKENS } from "./_provider.ts";

/** The timing of a run. */
export interface Timing {
  readonly name: "fast" | "full";
  /** All durations are divided by this. */
  readonly factor: number;
}

/** The calls of one fault, as the client and the providers saw them. */
export interface Outcome {
  /** The calls, in order. */
  readonly seen: readonly Seen[];
  readonly primaryCalls: number;
  readonly fallbackCalls: number;
  /** When the first provider answered again, in real milliseconds. */
  readonly recoveredMs?: number | undefined;
}

/** One fault. */
export interface Fault {
  readonly name: string;
  /** The scripts of the first provider, one for each request; the last repeats. */
  readonly scripts: (timing: Timing) => readonly WireScript[];
  readonly refusesPrefill?: boolean;
  /** Twenty calls, while the first provider is down and then works again. */
  readonly flaps?: boolean;
  /** Whether the gateway handled the fault correctly. */
  readonly passes: (outcome: Outcome, timing: Timing) => boolean;
}

const MODEL = "primary";
const tokens = (from: number, to: number) =>
  TOKENS.slice(from, to).flatMap((
    token,
  ) => [step.wait(2), chunk(MODEL, token)]);

/** A whole answer of the first provider. */
export const HEALTHY: WireScript = [...tokens(0, 60), ...ending(MODEL)];

const error = (code: string | null, message: string) => ({
  error: { message, type: "invalid_request_error", code, param: null },
});

/** The answer is complete and marked as complete. */
const isWhole = (seen: Seen | undefined) =>
  seen !== undefined && seen.text === ANSWER && seen.done && !seen.failed;

/** The answer is complete, or the client gets an error. */
const isHonest = (seen: Seen | undefined) =>
  seen !== undefined && (isWhole(seen) || (seen.failed && !seen.done));

/** The longest that a client waits for an answer, in real milliseconds. */
const LIMIT_MS = 15_000;

const whole = ({ seen }: Outcome) => isWhole(seen[0]);
const honest = ({ seen }: Outcome) => isHonest(seen[0]);
const wholeInTime = ({ seen }: Outcome, { factor }: Timing) =>
  isWhole(seen[0]) && seen[0]!.ms < LIMIT_MS / factor;

/** The faults, in the order of the table. */
export const FAULTS: readonly Fault[] = [
  {
    name: "429 with Retry-After: 2, once",
    scripts: () => [[
      wire.status(429, {
        headers: { "retry-after": "2" },
        body: error("rate_limit_exceeded", "Rate limit reached"),
      }),
    ], HEALTHY],
    passes: whole,
  },
  {
    name: "429, always",
    scripts: () => [[
      wire.status(429, { body: error("rate_limit_exceeded", "Rate limit") }),
    ]],
    passes: whole,
  },
  {
    name: "500, once",
    scripts: () => [
      [wire.status(500, { body: error(null, "Internal error") })],
      HEALTHY,
    ],
    passes: whole,
  },
  {
    name: "503, always",
    scripts: () => [[wire.status(503, { body: error(null, "Overloaded") })]],
    passes: whole,
  },
  {
    name: "connection reset before the headers, once",
    scripts: () => [[step.fail(new Error("reset"))], HEALTHY],
    passes: whole,
  },
  {
    name: "no response at all",
    scripts: () => [[step.hang()]],
    passes: wholeInTime,
  },
  {
    name: "headers, then the first token after 20 s",
    scripts: ({ factor }) => [[
      wire.raw(": connected\n\n"),
      step.wait(20_000 / factor),
      ...HEALTHY,
    ]],
    passes: wholeInTime,
  },
  {
    name: "ends after 40 of 60 tokens",
    scripts: () => [[...tokens(0, 40), step.truncate()]],
    passes: honest,
  },
  {
    name: "stalls after 20 tokens",
    scripts: () => [[...tokens(0, 20), step.hang()]],
    passes: ({ seen }, { factor }) =>
      isHonest(seen[0]) && seen[0]!.ms < 40_000 / factor,
  },
  {
    name: "one malformed event in the middle",
    scripts: () => [[
      ...tokens(0, 30),
      wire.raw('data: {"choices":[{"delta":{"content":" w3\n\n'),
      ...tokens(31, 60),
      ...ending(MODEL),
    ]],
    passes: honest,
  },
  {
    name: "no [DONE]",
    scripts: () => [[...HEALTHY, step.truncate()]],
    passes: ({ seen: [seen] }) =>
      seen!.text === ANSWER && seen!.finished && !seen!.failed,
  },
  {
    name: "400 context_length_exceeded",
    scripts: () => [[
      wire.status(400, {
        body: error("context_length_exceeded", "The context is too long"),
      }),
    ]],
    passes: (outcome) => whole(outcome) && outcome.primaryCalls === 1,
  },
  {
    name: "400 content_policy_violation",
    scripts: () => [[
      wire.status(400, {
        body: error(
          "content_policy_violation",
          "Rejected by the safety system",
        ),
      }),
    ]],
    passes: ({ seen: [seen], fallbackCalls }) =>
      seen!.status === 400 && seen!.errorCode === "content_policy_violation" &&
      fallbackCalls === 0,
  },
  {
    name: "breaks off, and the fallback refuses a prefill",
    scripts: () => [[...tokens(0, 40), step.truncate()]],
    refusesPrefill: true,
    passes: honest,
  },
  {
    name: "down for 60 s, then works: 20 calls, 4 s apart",
    scripts: () => [],
    flaps: true,
    passes: ({ seen, recoveredMs = Infinity }) =>
      seen.every(isWhole) && recoveredMs <= 30_000,
  },
  {
    name: "503, always: model and usage are the fallback's",
    scripts: () => [[wire.status(503, { body: error(null, "Overloaded") })]],
    passes: (outcome) =>
      whole(outcome) && outcome.seen[0]!.model === "fallback" &&
      outcome.seen[0]!.usage?.completion_tokens === 60,
  },
];
