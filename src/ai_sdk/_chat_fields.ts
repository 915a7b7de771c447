// Checks of the fields of a chat-completions request. Errors name the field.

import { assertArgument } from "../_shared/arguments.ts";
import { describeValue } from "../_shared/error_text.ts";

/** An object with unknown fields. */
export type Fields = Readonly<Record<string, unknown>>;

/** Reports a field that is left out. */
export type Warn = (message: string, field?: string) => void;

/** Reports each field with a value that is not among those that are converted. */
export function reportOthers(
  fields: Fields,
  path: string,
  converted: readonly string[],
  warn: Warn,
): void {
  for (const [field, value] of Object.entries(fields)) {
    if (value === undefined || value === null || converted.includes(field)) {
      continue;
    }
    warn(`'${path}.${field}' is not passed on`, `${path}.${field}`);
  }
}

/** The error for a field that can be neither converted nor left out. */
export function unsupported(
  path: string,
  value: unknown,
  expected: string,
): TypeError {
  return new TypeError(
    `'request.${path}' must be ${expected}: current value is ${
      describeValue(value)
    }`,
  );
}

export function object(value: unknown, path: string): Fields {
  const ok = Object(value) === value && !Array.isArray(value);
  assertArgument(ok, `request.${path}`, "be an object", value);
  return value as Fields;
}

export function array(value: unknown, path: string): readonly unknown[] {
  assertArgument(Array.isArray(value), `request.${path}`, "be an array", value);
  return value as unknown[];
}

export function string(value: unknown, path: string): string {
  assertArgument(
    typeof value === "string",
    `request.${path}`,
    "be a string",
    value,
  );
  return value;
}

export function number(value: unknown, path: string): number {
  assertArgument(
    typeof value === "number",
    `request.${path}`,
    "be a number",
    value,
  );
  return value;
}

export function strings(value: unknown, path: string): string[] {
  const list = typeof value === "string" ? [value] : array(value, path);
  return list.map((each, i) => string(each, `${path}[${i}]`));
}
