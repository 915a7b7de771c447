// Values and errors as text, for messages, logs and terminals.

import { isFallbackError } from "../errors.ts";
import { getProperty, isInstance } from "./safe_access.ts";

/** How long the text of one error may be in a message. */
const MAX_ERROR_LENGTH = 200;

/** How many causes of an error are shown. */
const MAX_CAUSES = 3;

/**
 * A text on one line, without control characters that a terminal would act on.
 *
 * @param maxLength The longest result; what is cut off shows as "…".
 */
export function oneLine(text: string, maxLength = MAX_ERROR_LENGTH): string {
  const line = text.replace(/[\s\p{C}]+/gu, " ").trim();
  if (line.length <= maxLength) return line;
  return `${line.slice(0, maxLength - 1).toWellFormed()}…`;
}

/** The message of an error, or the value as text if it has none. */
export function messageOf(error: unknown): string {
  const message = getProperty(error, "message");
  if (typeof message === "string" && message !== "") return message;
  try {
    return String(error);
  } catch {
    return typeof error;
  }
}

/**
 * What went wrong: the message and those of its causes. `fetch` says no more
 * than "fetch failed"; that the connection was refused is in its `cause`.
 */
export function errorText(error: unknown): string {
  let text = messageOf(error);
  let cause = getProperty(error, "cause");
  for (let depth = 0; depth < MAX_CAUSES && isInstance(cause, Error); depth++) {
    const reason = messageOf(cause);
    if (!text.includes(reason)) text += `: ${reason}`;
    cause = getProperty(cause, "cause");
  }
  return text;
}

/** An error on one line, with its class unless it is one of this module. */
export function nameAndMessage(
  error: unknown,
  maxLength = MAX_ERROR_LENGTH,
): string {
  const name = getProperty(error, "name");
  const text = errorText(error);
  const isPlain = isFallbackError(error) || !isInstance(error, Error) ||
    typeof name !== "string";
  return oneLine(isPlain ? text : `${name}: ${text}`, maxLength);
}

/** A value as it is, in a few words: strings quoted, objects by their class. */
export function describeValue(value: unknown): string {
  try {
    if (typeof value === "string") return oneLine(JSON.stringify(value), 80);
    if (typeof value === "function") {
      return value.name ? `function ${value.name}` : "a function";
    }
    if (typeof value !== "object" || value === null) {
      return Object.is(value, -0) ? "-0" : oneLine(String(value), 80);
    }
    const name = value.constructor?.name;
    if (name && name !== "Object" && name !== "Array") {
      return `${/^[AEIOU]/.test(name) ? "an" : "a"} ${oneLine(name, 60)}`;
    }
    return oneLine(JSON.stringify(value), 80);
  } catch {
    return typeof value;
  }
}
