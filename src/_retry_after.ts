// How long a provider asks to be left alone.

/**
 * Reads `retry-after-ms`, else `retry-after` in seconds or as an HTTP date.
 *
 * @param headers Those of the server's answer.
 * @returns Milliseconds from now, or `undefined` if the server does not say.
 */
export function readRetryAfter(headers: Headers): number | undefined {
  return readNumber(headers.get("retry-after-ms"), 1) ??
    readNumber(headers.get("retry-after"), 1000) ??
    readDate(headers.get("retry-after"));
}

function readNumber(value: string | null, factor: number): number | undefined {
  if (value === null || !/^\d+(\.\d+)?$/.test(value)) return undefined;
  return Number(value) * factor;
}

function readDate(value: string | null): number | undefined {
  // Only a date has letters: `Date.parse` would take "-5" for a year.
  if (value === null || !/[a-z]/i.test(value)) return undefined;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/**
 * What an error says of that: its `retryAfterMs`, else the headers that it
 * carries, itself, in its `response` or, as in the AI SDK, as
 * `responseHeaders`.
 *
 * @returns Milliseconds from now, or `undefined` if it does not say.
 */
export function retryAfterOf(error: unknown): number | undefined {
  try {
    const { retryAfterMs, headers, response, responseHeaders } = Object(error);
    if (typeof retryAfterMs === "number" && retryAfterMs >= 0) {
      return retryAfterMs;
    }
    return readRetryAfter(
      new Headers(headers ?? response?.headers ?? responseHeaders),
    );
  } catch {
    return undefined; // headers that are none, or cannot be looked at
  }
}
