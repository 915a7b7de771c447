// The question whether a failure opens the next model, and who may answer it.

import { expect, readList } from "./_arguments.ts";
import type { Call } from "./_call.ts";
import type { Attempt, ErrorClass, FallbackCondition } from "./types.ts";

/** Error classes or predicates, one or a list of them, checked and copied. */
export function readConditions<T>(name: string, given: T | readonly T[]): T[] {
  const conditions = readList(name, given);
  for (const condition of conditions) {
    expect(
      typeof condition === "function",
      name,
      "be an error class or a predicate, or a list of them",
      condition,
    );
  }
  return conditions;
}

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
      if (call.isOver()) return false;
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
