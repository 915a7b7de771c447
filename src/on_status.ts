/**
 * A condition on the HTTP status that an error carries.
 *
 * @module
 */

import { expect, readList } from "./_arguments.ts";

/**
 * Makes a condition, for `fallbackOn` and others, that accepts errors by their
 * HTTP status: `error.status`, else `error.statusCode`, else
 * `error.response.status`, whichever of them is a number.
 *
 * @param codes Statuses from 100 to 599, and `"4xx"` and `"5xx"` for all of
 * their kind.
 * @returns The condition.
 *
 * @example Fall back when overloaded or broken, not when the request is wrong
 * ```ts
 * import { fallbackStream, onStatus } from "@fallback/stream";
 * import { fail, fakeModel } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const busy = Object.assign(new Error("overloaded"), { status: 529 });
 * const models = [fakeModel("a", [fail(busy)]), fakeModel("b", ["Hello"])];
 *
 * await using stream = await fallbackStream(models, "hi", {
 *   fallbackOn: onStatus(408, 429, "5xx"),
 * });
 * assertEquals(stream.model, "b");
 * ```
 *
 * @throws {RangeError} If no code is given.
 * @throws {RangeError} If a code is none of these.
 */
export function onStatus(
  ...codes: (number | "4xx" | "5xx")[]
): (error: unknown) => boolean {
  const accepted = new Set<unknown>(readList("codes", codes));
  for (const code of codes) {
    const isStatus = Number.isInteger(code) && +code >= 100 && +code <= 599;
    expect(
      isStatus || code === "4xx" || code === "5xx",
      "codes",
      'be statuses from 100 to 599, "4xx" or "5xx"',
      code,
      RangeError,
    );
  }
  return (error: unknown) => {
    const code = statusOf(error) ?? NaN;
    return accepted.has(code) || accepted.has(`${Math.trunc(code / 100)}xx`);
  };
}

/** The HTTP status that an error carries, if it carries one. */
export function statusOf(error: unknown): number | undefined {
  try {
    const { status, statusCode, response } = Object(error);
    return [status, statusCode, response?.status]
      .find((value) => typeof value === "number");
  } catch {
    return undefined; // an error that cannot be looked at
  }
}

/** Whether it is the server that is in trouble, not the request: 408, 429, 5xx, or no status at all. */
export function isServerTrouble(error: unknown): boolean {
  const status = statusOf(error) ?? 500;
  return status === 408 || status === 429 || status >= 500;
}
