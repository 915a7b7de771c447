// Times that may be functions of the model (R24).

import type { Milliseconds } from "../types/options.ts";
import { assertArgument, MAX_TIMEOUT_MS, parseDelay } from "./arguments.ts";
import { describeValue } from "./error_text.ts";
import { ignoreRejection } from "./ignore_errors.ts";

/** A delay in whole milliseconds, or a function that returns one. */
export function parseMilliseconds(
  name: string,
  value: Milliseconds,
): Milliseconds {
  if (typeof value === "function") return value;
  const expected = `be a number from 0 to ${MAX_TIMEOUT_MS}, or a function`;
  assertArgument(typeof value === "number", name, expected, value);
  return parseDelay(name, value);
}

/**
 * The delay for one attempt on a model; `undefined` is no limit.
 *
 * @throws {TypeError} If the function throws, or returns what is not a delay.
 */
export function resolveMilliseconds(
  name: string,
  value: Milliseconds | undefined,
  model: string,
): number | undefined {
  if (typeof value !== "function") return value;
  let ms: unknown;
  try {
    ms = value(model);
  } catch (error) {
    throw new TypeError(
      `'${name}' threw for model ${JSON.stringify(model)}`,
      { cause: error },
    );
  }
  if (ms === undefined) return undefined;
  if (typeof ms === "number" && !Number.isNaN(ms)) {
    return Math.ceil(Math.min(Math.max(ms, 0), MAX_TIMEOUT_MS));
  }
  ignoreRejection(ms);
  throw new TypeError(
    `'${name}' must return a number of milliseconds or undefined: it returned ${
      describeValue(ms)
    } for model ${JSON.stringify(model)}`,
  );
}
