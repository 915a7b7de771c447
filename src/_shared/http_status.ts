// The HTTP status and the headers that an error carries. SDKs agree on little:
// each place below is used by at least one of them.

import { AllModelsFailedError } from "../errors.ts";
import { asArray, getProperty, isInstance } from "./safe_access.ts";

/** How deep causes and nested failures are followed. They may be cyclic. */
export const MAX_DEPTH = 5;

/**
 * The HTTP status of an error or of its cause: `status`, `statusCode`,
 * `status_code`, `response.status`, `httpResponse.status` (Hugging Face),
 * `$metadata.httpStatusCode` (AWS), or a numeric `code` from 400 to 599. The
 * status of an {@linkcode AllModelsFailedError} is the one that all its errors
 * have.
 */
export function statusOf(error: unknown, depth = 0): number | undefined {
  if (depth > MAX_DEPTH) return undefined;
  const nested = nestedErrors(error);
  if (nested) {
    const statuses = new Set(nested.map((each) => statusOf(each, depth + 1)));
    return statuses.size === 1 ? statuses.values().next().value : undefined;
  }
  return ownStatus(error) ??
    (getProperty(error, "cause") === undefined
      ? undefined
      : statusOf(getProperty(error, "cause"), depth + 1));
}

function ownStatus(error: unknown): number | undefined {
  const candidates = [
    getProperty(error, "status"),
    getProperty(error, "statusCode"),
    getProperty(error, "status_code"),
    getProperty(getProperty(error, "response"), "status"),
    getProperty(getProperty(error, "httpResponse"), "status"),
    getProperty(getProperty(error, "$metadata"), "httpStatusCode"),
  ];
  for (const status of candidates) {
    if (typeof status === "number") return status;
  }
  const code = getProperty(error, "code");
  return isErrorStatus(code) ? code : undefined;
}

/** Whether a value is a status of a failed request. */
export function isErrorStatus(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 400 &&
    Number(value) <= 599;
}

/** The failures of an {@linkcode AllModelsFailedError}; else `undefined`. */
export function nestedErrors(error: unknown): readonly unknown[] | undefined {
  if (!isInstance(error, AllModelsFailedError)) return undefined;
  const errors = asArray(getProperty(error, "errors"));
  return errors && errors.length > 0 ? errors : undefined;
}

/**
 * Whether `test` holds for an error; for an {@linkcode AllModelsFailedError},
 * whether it holds for each of its errors.
 */
export function holdsForEach(
  error: unknown,
  test: (error: unknown) => boolean,
  depth = 0,
): boolean {
  const nested = depth > MAX_DEPTH ? undefined : nestedErrors(error);
  return nested
    ? nested.every((each) => holdsForEach(each, test, depth + 1))
    : test(error);
}

/** Reads one header of the response that an error is about. */
export function headerOf(error: unknown, name: string): string | undefined {
  return headersOf(error)?.get(name) ?? undefined;
}

/**
 * The headers of the response that an error is about: `headers`,
 * `response.headers`, `responseHeaders`, `rawResponse.headers`,
 * `httpResponse.headers` or `$response.headers` of the error or of its cause, as
 * `Headers`, a `Map`, pairs or an object. Names that `Headers` refuses, such as
 * the `:status` of HTTP/2, are left out.
 */
export function headersOf(error: unknown, depth = 0): Headers | undefined {
  const candidates = [
    getProperty(error, "headers"),
    getProperty(getProperty(error, "response"), "headers"),
    getProperty(error, "responseHeaders"),
    ...["rawResponse", "httpResponse", "$response"].map((name) =>
      getProperty(getProperty(error, name), "headers")
    ),
  ];
  for (const candidate of candidates) {
    const headers = toHeaders(candidate);
    if (headers && !headers.keys().next().done) return headers;
  }
  const cause = getProperty(error, "cause");
  return cause === undefined || depth >= MAX_DEPTH
    ? undefined
    : headersOf(cause, depth + 1);
}

function toHeaders(value: unknown): Headers | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (isInstance(value, Headers)) return value;
  const headers = new Headers();
  try {
    const isIterable = typeof getProperty(value, Symbol.iterator) ===
      "function";
    const pairs = isIterable
      ? value as Iterable<[string, unknown]>
      : Object.entries(value);
    for (const [name, content] of pairs) {
      try {
        headers.append(name, String(content));
      } catch {
        // not a header of HTTP/1
      }
    }
  } catch {
    return undefined;
  }
  return headers;
}
