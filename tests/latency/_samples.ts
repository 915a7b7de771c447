// Attempts for a tracker, without calls.

import {
  type Attempt,
  type FallbackEvent,
  ModelTimeoutError,
  type TimeoutPhase,
} from "@fallback/stream";
import type { LatencyTracker } from "@fallback/stream/latency";

/** How an attempt can end, unless it times out. */
const ENDINGS = {
  answered: { type: "committed" },
  lost: { type: "lost" },
  cancelled: { type: "cancelled" },
  refused: { type: "failed", error: new Error("refused") },
} as const;

/** Feeds one attempt that took `ms`. */
export function feed(
  tracker: LatencyTracker,
  type: keyof typeof ENDINGS | TimeoutPhase,
  ms: number,
  { model = "m", startedAt = 0 } = {},
): void {
  const attempt: Attempt = {
    model,
    modelIndex: 0,
    number: 1,
    startedAt,
    outcome: "pending",
    chunks: 0,
  };
  const base = { at: startedAt + ms, attempt, attempts: [attempt] };
  const ending = type in ENDINGS ? ENDINGS[type as keyof typeof ENDINGS] : {
    type: "failed" as const,
    error: new ModelTimeoutError(model, type as TimeoutPhase, ms),
  };
  tracker({ ...base, ...ending } as FallbackEvent);
}

/** Random numbers from 0 to 1: a linear congruential generator. */
export function uniform(seed: number, count: number): number[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  });
}

/** Feeds one attempt for each time. */
export function feedAll(
  tracker: LatencyTracker,
  type: Parameters<typeof feed>[1],
  times: readonly number[],
): void {
  for (const ms of times) feed(tracker, type, ms);
}
