// The question whether a failure opens the next model.

import type { Call } from "./_call.ts";
import type { Attempt, ErrorClass, FallbackCondition } from "./types.ts";

/**
 * Whether any of the caller's conditions accepts the failure of an attempt.
 * They are asked in order, as methods of the options.
 *
 * @throws {SuppressedError} What a condition threw, over the failure.
 */
export async function accepts<Request, Chunk>(
  call: Call<Request, Chunk>,
  conditions: readonly FallbackCondition[],
  failure: unknown,
  attempt: Attempt,
): Promise<boolean> {
  const { options } = call.chain;
  try {
    for (const condition of conditions) {
      const verdict = isErrorClass(condition)
        ? failure instanceof condition
        : condition.call(options, failure, attempt);
      if (typeof verdict === "object" ? await call.wait(verdict) : verdict) {
        return true;
      }
    }
    return false;
  } catch (error) {
    throw new SuppressedError(error, failure, "'fallbackOn' threw");
  }
}

export function isErrorClass(condition: unknown): condition is ErrorClass {
  return condition === Error ||
    (condition as ErrorClass).prototype instanceof Error;
}
