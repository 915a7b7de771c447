// Checks an option that must be a text.

import { assertArgument } from "../_shared/arguments.ts";
import { describeValue } from "../_shared/error_text.ts";

/**
 * A string that is not blank.
 *
 * @param describe Shows a wrong value; without it, as it is.
 */
export function assertText(
  name: string,
  value: unknown,
  describe?: (value: unknown) => string,
): asserts value is string {
  if (typeof value === "string" && value.trim() !== "") return;
  const expected = "be a string that is not empty";
  if (!describe) assertArgument(false, name, expected, value);
  const shown = describe(value) ||
    (Object(value) === value
      ? `of type ${typeof value}`
      : describeValue(value));
  throw new TypeError(`'${name}' must ${expected}: current value is ${shown}`);
}
