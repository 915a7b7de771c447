// The provider's error object in an error. Every SDK keeps it in another place.

import { messageOf, oneLine } from "../_shared/error_text.ts";
import { getProperty, isInstance, parseJson } from "../_shared/safe_access.ts";

/** The longest message that is passed on, in characters. */
const MAX_MESSAGE_LENGTH = 500;

/** The longest code, type or param. */
const MAX_NAME_LENGTH = 100;

/** The codes of a refusal for the content of the request or of the answer. */
const CONTENT_CODES: ReadonlySet<unknown> = new Set([
  "content_policy_violation",
  "content_filter",
  "ResponsibleAIPolicyViolation",
]);

/** A host by a name, with or without a port. */
const HOST =
  /\b(?:(?:[\w-]+\.)+(?:ai|app|cloud|cn|com|corp|de|dev|eu|internal|io|lan|local|net|org|svc|us)|localhost)\b(?::\d+)?/gi;

/** The fields of an error object that are passed on. */
export interface ProviderDetails {
  readonly message?: string;
  readonly type?: string;
  readonly code?: string;
  readonly param?: string;
}

/** Reads the provider's error object out of an error. */
export function providerDetails(error: unknown): ProviderDetails {
  const found: { -readonly [Key in keyof ProviderDetails]: string } = {};
  for (const object of errorObjects(error)) {
    for (const field of ["code", "type", "param"] as const) {
      const value = getProperty(object, field);
      if (found[field] === undefined && typeof value === "string" && value) {
        found[field] = oneLine(redact(value), MAX_NAME_LENGTH);
      }
    }
    const message = getProperty(object, "message");
    if (found.message === undefined && typeof message === "string" && message) {
      found.message = oneLine(redact(message), MAX_MESSAGE_LENGTH);
    }
  }
  if (found.message === undefined) {
    const text = messageOf(error).replace(/^\d{3} /, "");
    if (text) found.message = oneLine(redact(text), MAX_MESSAGE_LENGTH);
  }
  return found;
}

/** Whether a provider refuses the content; which code it gives for that. */
export function contentRefusal(error: unknown): string | undefined {
  if (getProperty(error, "finishReason") === "content_filter") {
    return "content_filter";
  }
  for (const object of errorObjects(error)) {
    let inner: unknown = object;
    // Azure nests them: `innererror`, and `inner_error` of that.
    for (let depth = 0; depth < 4; depth++) {
      const code = getProperty(inner, "code");
      if (CONTENT_CODES.has(code)) return String(code);
      inner = getProperty(inner, "innererror") ??
        getProperty(inner, "inner_error");
    }
  }
  return undefined;
}

/** The places of an error object, the most exact first. */
function* errorObjects(error: unknown): Generator<unknown> {
  const sources = [
    getProperty(error, "error"),
    parseJson(getProperty(error, "body")),
    getProperty(error, "data"),
    parseJson(getProperty(error, "responseBody")),
  ];
  for (let source of sources) {
    if (Array.isArray(source)) source = source[0];
    for (let depth = 0; depth < 3; depth++) {
      const inner = getProperty(source, "error");
      if (Object(inner) !== inner) break;
      source = inner;
    }
    yield source;
  }
  // The message of the error itself may begin with the status.
  yield {
    code: getProperty(error, "code"),
    type: getProperty(error, "type"),
    param: getProperty(error, "param"),
  };
  const cause = getProperty(error, "cause");
  if (isInstance(cause, Error)) yield* errorObjects(cause);
}

/** Removes what looks like a key, and the provider's address. */
function redact(text: string): string {
  return text
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>)\]]+/gi, "***")
    .replace(/\b(Bearer|Basic)\s+[^\s"',]+/gi, "$1 ***")
    .replace(/\b(sk|pk|rk|gsk|xai|key|AIza)[-_][\w*.-]{6,}/gi, "***")
    .replace(/\bAIza[\w-]{20,}/g, "***")
    .replace(/\b[a-z]{2,5}_(?:live|prod|proj|test)_\w+/gi, "***")
    .replace(HOST, "***")
    .replace(/\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b/g, "***")
    .replace(/\[[\da-f:]{3,}\](?::\d+)?/gi, "***")
    .replace(/\b[\w-]{40,}\b/g, "***");
}
