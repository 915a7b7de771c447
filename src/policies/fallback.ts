// Whether a failure opens the next model: the option `fallbackOn`.

import { isInstance } from "../_shared/safe_access.ts";
import type { Call } from "../engine/call.ts";
import type { Attempt } from "../types/attempt.ts";
import { isErrorClass } from "./conditions.ts";

/**
 * Whether any of the caller's conditions accepts the failure of an attempt.
 * They are called in order, as methods of the options. What one throws ends the
 * call.
 */
export async function shouldFallBack<Request, Chunk>(
  { chain, scope }: Call<Request, Chunk>,
  error: unknown,
  attempt: Attempt,
): Promise<boolean> {
  for (const test of chain.fallbackTests ?? []) {
    if (!scope.isActive) return false;
    try {
      const answer = isErrorClass(test)
        ? isInstance(error, test)
        : test.call(chain.options, error, attempt);
      const isAccepted = typeof answer === "object" && answer !== null
        ? await scope.waitFor(answer)
        : answer;
      if (isAccepted) return true;
    } catch (thrown) {
      scope.fail(
        conditionFailure("options.fallbackOn", thrown, error, attempt),
      );
    }
  }
  return false;
}

/** The end of a call whose condition has thrown. */
export function conditionFailure(
  name: string,
  thrown: unknown,
  failure: unknown,
  attempt: Attempt,
): { error: SuppressedError } {
  return {
    error: new SuppressedError(
      thrown,
      failure,
      `'${name}' threw while handling a failure of ${
        JSON.stringify(attempt.model)
      }`,
    ),
  };
}
