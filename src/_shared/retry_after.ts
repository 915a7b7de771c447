// How long a provider asks its clients to wait.

import { headersOf, MAX_DEPTH, nestedErrors, statusOf } from "./http_status.ts";
import { asArray, getProperty, parseJson } from "./safe_access.ts";

/**
 * Reads the wait from the headers of a response: `retry-after-ms`, else
 * `retry-after` in seconds or as a date.
 *
 * @returns Milliseconds from now, or `undefined` if the server does not say.
 */
export function parseRetryAfter(headers: Headers): number | undefined {
  const seconds = headers.get("retry-after");
  return parseNumber(headers.get("retry-after-ms"), 1) ??
    parseNumber(seconds, 1000) ?? untilDate(seconds);
}

/**
 * The wait that an error asks for: its `retryAfterMs`, else the headers of the
 * response, else Gemini's `RetryInfo` in the body, else, for a 429, when the
 * limit that is exhausted will be reset. Of an `AllModelsFailedError` it is the
 * shortest wait of its errors.
 *
 * @returns Milliseconds from now, or `undefined` if the error does not say.
 */
export function retryAfterOf(error: unknown, depth = 0): number | undefined {
  if (depth > MAX_DEPTH) return undefined;
  const nested = nestedErrors(error);
  if (nested) {
    const waits = nested.map((each) => retryAfterOf(each, depth + 1))
      .filter((ms) => ms !== undefined);
    return waits.length > 0 ? Math.min(...waits) : undefined;
  }
  const own = getProperty(error, "retryAfterMs");
  if (typeof own === "number" && own >= 0) return own;
  const headers = headersOf(error);
  const fromHeaders = headers && parseRetryAfter(headers);
  if (fromHeaders !== undefined) return fromHeaders;
  return retryInfoOf(error) ??
    (headers && statusOf(error) === 429 ? limitReset(headers) : undefined);
}

function parseNumber(
  value: string | null,
  factor: number,
): number | undefined {
  if (value === null || !/^\d+(\.\d+)?$/.test(value)) return undefined;
  return Number(value) * factor;
}

const MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec";

// The three formats of RFC 9110, section 5.6.7. `Date.parse` would read the
// third one in local time, and numbers such as "-5" as years.
const DATES = [
  /^\w{3}, (?<day>\d\d) (?<month>\w{3}) (?<year>\d{4}) (?<time>[\d:]{8}) GMT$/,
  /^\w{6,9}, (?<day>\d\d)-(?<month>\w{3})-(?<year>\d\d) (?<time>[\d:]{8}) GMT$/,
  /^\w{3} (?<month>\w{3}) (?<day>[ \d]\d) (?<time>[\d:]{8}) (?<year>\d{4})$/,
];

function untilDate(value: string | null): number | undefined {
  const groups = DATES.map((date) => date.exec(String(value))?.groups)
    .find((match) => match !== undefined);
  if (!groups) return undefined;
  const { day, month, year, time } = groups;
  const index = MONTHS.indexOf(month!.toLowerCase());
  const [hours, minutes, seconds] = time!.split(":").map(Number);
  const date = Date.UTC(
    fullYear(year!),
    index / 3,
    Number(day),
    hours,
    minutes,
    seconds,
  );
  const isDate = index % 3 === 0 && !Number.isNaN(date);
  return isDate ? Math.max(0, date - Date.now()) : undefined;
}

/** A year of two digits is never more than 50 years ahead (RFC 9110). */
function fullYear(year: string): number {
  if (year.length === 4) return Number(year);
  const now = new Date().getUTCFullYear();
  const full = now - now % 100 + Number(year);
  return full > now + 50 ? full - 100 : full;
}

/**
 * Gemini sends no header but a `google.rpc.RetryInfo` with `retryDelay: "39s"`.
 * SDKs keep the body as an object, as text, or only inside the message.
 */
function retryInfoOf(error: unknown): number | undefined {
  const message = getProperty(error, "message");
  const bodies = [
    error,
    getProperty(error, "body"),
    getProperty(error, "data"),
    parseJson(getProperty(error, "responseBody")),
    typeof message === "string" && message.includes("retryDelay")
      ? parseJson(message.slice(message.indexOf("{")))
      : undefined,
  ];
  for (const body of bodies) {
    const first = getProperty(asArray(body), 0) ?? body;
    for (const holder of [first, getProperty(first, "error")]) {
      const details = asArray(getProperty(holder, "details")) ?? [];
      for (const detail of details) {
        const delay = getProperty(detail, "retryDelay");
        const ms = typeof delay === "string" ? parseDuration(delay) : undefined;
        if (ms !== undefined) return ms;
      }
    }
  }
}

const LIMIT_HEADERS = [
  {
    remaining: /^(?:x-)?ratelimit-remaining(-.+)?$/,
    reset: (limit: string) => [
      `x-ratelimit-reset${limit}`,
      `ratelimit-reset${limit}`,
    ],
  },
  {
    remaining: /^anthropic-ratelimit(-.+)-remaining$/,
    reset: (limit: string) => [`anthropic-ratelimit${limit}-reset`],
  },
];

/** When the limits that are exhausted (`remaining` is 0) have been reset. */
function limitReset(headers: Headers): number | undefined {
  let latest: number | undefined;
  for (const [name, value] of headers) {
    if (value === "" || Number(value) > 0 || Number.isNaN(Number(value))) {
      continue;
    }
    for (const { remaining, reset } of LIMIT_HEADERS) {
      const match = remaining.exec(name);
      if (!match) continue;
      for (const header of reset(match[1] ?? "")) {
        const ms = untilReset(headers.get(header));
        if (ms !== undefined) latest = Math.max(latest ?? 0, ms);
      }
    }
  }
  return latest;
}

/** A duration, a number of seconds, or a point in time. */
function untilReset(value: string | null): number | undefined {
  if (value === null) return undefined;
  const duration = parseDuration(value);
  if (duration !== undefined) return duration;
  const number = parseNumber(value, 1);
  if (number !== undefined) {
    if (number < 1e9) return number * 1000;
    // Seconds, or milliseconds, since the epoch.
    return Math.max(0, (number < 1e12 ? number * 1000 : number) - Date.now());
  }
  const date = /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(date) ? untilDate(value) : Math.max(0, date - Date.now());
}

const UNITS_MS: Record<string, number> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
};

/** A duration such as `6m0s`, `1.5s` or `20ms`, in milliseconds. */
function parseDuration(value: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|us|µs|[dhms]))+$/.test(value)) return undefined;
  let total = 0;
  for (const [, amount, unit] of value.matchAll(/([\d.]+)([a-zµ]+)/g)) {
    total += Number(amount) * UNITS_MS[unit!]!;
  }
  return total;
}
