/**
 * A predicate on the HTTP status of an error.
 *
 * @module
 */

import { assertArgument, parseList } from "./_shared/arguments.ts";
import { holdsForEach, statusOf } from "./_shared/http_status.ts";

/**
 * Returns a predicate that matches errors by their HTTP status, for
 * `fallbackOn` and other conditions. The status is read from `status`,
 * `statusCode`, `status_code`, `response.status` or a numeric `code` from 400
 * to 599, of the error or of its `cause`. An {@linkcode AllModelsFailedError}
 * matches if each of its errors does.
 *
 * @param codes Statuses from 100 to 599; `"4xx"` and `"5xx"` match a whole
 * class of them.
 * @returns The predicate.
 *
 * @example Fall back unless the request itself is wrong
 * ```ts
 * import { fallbackStream, hasStatus } from "@fallback/stream";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const busy = Object.assign(new Error("overloaded"), { status: 529 });
 * const models = [
 *   fakeModel("a", [step.fail(busy)]),
 *   fakeModel("b", ["Hello"]),
 * ];
 *
 * await using stream = await fallbackStream(models, "hi", {
 *   fallbackOn: (error) => !hasStatus(400, 413, 422)(error),
 * });
 * assertEquals(stream.model, "b");
 * ```
 *
 * @throws {RangeError} If no code is given.
 * @throws {RangeError} If a code is not one of these.
 */
export function hasStatus(
  ...codes: (number | "4xx" | "5xx")[]
): (error: unknown) => boolean {
  const accepted = new Set<unknown>(parseList("codes", codes));
  for (const code of codes) {
    const isStatus = Number.isInteger(code) && +code >= 100 && +code <= 599;
    assertArgument(
      isStatus || code === "4xx" || code === "5xx",
      "codes",
      'be statuses from 100 to 599, "4xx" or "5xx"',
      code,
      RangeError,
    );
  }
  return (error: unknown) =>
    holdsForEach(error, (each) => {
      const code = statusOf(each) ?? NaN;
      return accepted.has(code) || accepted.has(`${Math.trunc(code / 100)}xx`);
    });
}
