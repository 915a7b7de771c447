// `errorResponse()`: 503 if the client may retry later, 504 if all models timed out,
// 502 for other failures of models. An error of the program is a 500, and a client
// that disconnected a 499.

import {
  AllModelsFailedError,
  type Attempt,
  EmptyStreamError,
  fallbackModel,
  fallbackStream,
  ModelTimeoutError,
  TruncatedStreamError,
} from "@fallback/stream";
import { linkAttempts } from "../../src/attempts_of.ts";
import { HttpError } from "@fallback/stream/openai";
import { errorResponse } from "@fallback/stream/sse";
import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { FAILED_RECORD } from "../_test_attempt.ts";

const timeout = new ModelTimeoutError("m", "firstContent", 50);
const httpError = new HttpError(500, { body: "sorry" });
const busy = (value: string, name = "retry-after") =>
  new HttpError(429, { headers: { [name]: value } });

/** The error of a chain whose models fail with these. An array is a nested chain. */
function failed(...errors: unknown[]): AllModelsFailedError {
  const attempts = errors.map((error, index): Attempt => ({
    model: `model-${index}`,
    modelIndex: index,
    number: index + 1,
    startedAt: 0,
    endedAt: 1,
    outcome: "failed",
    chunks: 0,
    error: Array.isArray(error) ? failed(...error) : error,
  }));
  return new AllModelsFailedError(attempts);
}

/** The error of a chain of a chain, and so on, whose model fails. */
function nest(error: Error, depth: number): Error {
  return depth === 0 ? error : failed(nest(error, depth - 1));
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** The response for an error of a call with one attempt. */
function respond(error: unknown): Response {
  linkAttempts(error, [FAILED_RECORD]);
  return errorResponse(error);
}

/** An error, and the expected status and retry-after in seconds. */
type Case = readonly [error: unknown, status: number, retryAfter?: string];

const cases: Record<string, Case> = {
  // One error.
  "a provider's error": [new Error("x"), 502],
  "a provider's status": [httpError, 502],
  "a provider's 504": [new HttpError(504), 502],
  "an empty stream": [new EmptyStreamError("m"), 502],
  "a truncated stream": [new TruncatedStreamError("m"), 502],
  "a timeout": [timeout, 504],
  "a timeout of the whole call": [new ModelTimeoutError("m", "total", 1), 504],
  "a status with retry-after": [busy("20"), 503, "20"],
  "a status with retry-after-ms": [busy("1200", "retry-after-ms"), 503, "2"],
  "a retry-after of 0": [busy("0"), 503, "0"],
  "a retry-after of a fraction of a second": [busy("0.2"), 503, "1"],
  "a date as retry-after": [
    { headers: { "retry-after": "Thu, 01 Jan 1970 00:01:00 GMT" } },
    503,
    "60",
  ],
  "a date in the past": [busy("Wed, 31 Dec 1969 23:59:59 GMT"), 503, "0"],
  "an invalid retry-after": [busy("soon"), 502],
  "a negative retry-after": [busy("-5"), 502],
  "an error with retryAfterMs": [{ retryAfterMs: 4001 }, 503, "5"],
  "the longest retryAfterMs": [{ retryAfterMs: 2 ** 31 - 1 }, 503, "2147484"],
  "a longer retryAfterMs": [{ retryAfterMs: 2 ** 31 }, 502],
  "an invalid retryAfterMs": [{ retryAfterMs: NaN }, 502],
  "headers that are a plain object": [
    { response: { headers: { "Retry-After": "7" } } },
    503,
    "7",
  ],
  "invalid headers": [{ headers: 42 }, 502],

  // All models of a chain.
  "failures": [failed(new Error("x"), httpError), 502],
  "timeouts": [failed(timeout, timeout), 504],
  "a timeout after a failure": [failed(httpError, timeout), 502],
  "a failure after a timeout": [failed(timeout, httpError), 502],
  "a timeout and a retry-after": [failed(timeout, busy("9")), 503, "9"],
  "the shortest of several retry-afters": [
    failed(busy("30"), httpError, busy("4"), busy("600")),
    503,
    "4",
  ],
  "timeouts of nested chains": [failed(timeout, [[timeout]]), 504],
  "a timeout in 11 chains": [nest(timeout, 11), 504],
  "a timeout in more chains than are followed": [nest(timeout, 12), 502],
  "a failure in nested chains with timeouts": [
    failed(timeout, [timeout, [httpError, timeout]]),
    502,
  ],
  "the shortest retry-after of nested chains": [
    failed(busy("30"), [httpError, [busy("12"), busy("20")]]),
    503,
    "12",
  ],

  "no model at all": [failed(), 502],

  // Unusual values. The attempts of a primitive cannot be found.
  "undefined": [undefined, 500],
  "null": [null, 500],
  "a text": ["x", 500],
  "a number": [504, 500],
  "an error without a prototype": [Object.create(null), 502],
  "an array": [[timeout], 502],
  "a revoked proxy": [revoked(), 502],
};

for (const [what, [error, status, retryAfter]] of Object.entries(cases)) {
  Deno.test(
    `errorResponse() responds ${status}${
      retryAfter ? ` with retry-after ${retryAfter}` : ""
    } to ${what}`,
    () =>
      virtualTime(async () => {
        const response = respond(error);
        assertEquals(
          [response.status, response.headers.get("retry-after")],
          [status, retryAfter ?? null],
        );
        const { error: { message, attempts }, ...rest } = await response.json();
        assertEquals(typeof message, "string");
        assertEquals(attempts.length, status === 500 ? 0 : 1);
        assertEquals(rest, {});
      }),
  );
}

Deno.test("errorResponse() responds 500 to an error that no call threw", async () => {
  const wrong = await fallbackStream([], "hi").catch((error) => error);
  const response = errorResponse(wrong);
  assertEquals(response.status, 500);
  assertEquals(await response.json(), {
    error: { message: "Internal error", attempts: [] },
  });
});

Deno.test("errorResponse() responds 499 to the reason of the signal, and adds headers", async () => {
  const reason = new Error("client left");
  const headers = { "access-control-allow-origin": "*" };
  const signal = AbortSignal.abort(reason);
  const response = errorResponse(reason, { headers, signal });
  assertEquals(response.status, 499);
  assertEquals(response.headers.get("access-control-allow-origin"), "*");
  assertEquals(await response.json(), {
    error: { message: "The client has closed the request", attempts: [] },
  });
  const other = errorResponse(new Error("another"), { signal });
  assertEquals(other.status, 500);
  await other.body!.cancel();
});

Deno.test("errorResponse() throws TypeError with the name of an invalid option", () => {
  const wrongs: [unknown, string][] = [
    [null, "'options' must be an object: current value is null"],
    [
      { header: {} },
      "'options.header' is not an option: known options are 'headers', 'signal'",
    ],
    [
      { signal: {} },
      "'options.signal' must be an AbortSignal: current value is {}",
    ],
  ];
  for (const [options, message] of wrongs) {
    const error = assertThrows(
      () => errorResponse(httpError, options as never),
      TypeError,
    );
    assertEquals(error.message, message);
  }
});

Deno.test("errorResponse() sends retry-after as an integer number of seconds, or not at all", async () => {
  const errors = [
    busy("9".repeat(20)),
    busy("9".repeat(40)),
    busy("9".repeat(400)),
    { retryAfterMs: 1e30 },
    { retryAfterMs: Infinity },
    { retryAfterMs: 0.1 },
    { retryAfterMs: 1e-30 },
  ];
  for (const error of errors) {
    const { headers, body } = respond(error);
    assertMatch(headers.get("retry-after") ?? "0", /^\d+$/);
    await body!.cancel();
  }
});

Deno.test("errorResponse() responds with JSON that is not cached", async () => {
  const response = respond(busy("20"));
  assertEquals(Object.fromEntries(response.headers), {
    "cache-control": "no-store",
    "content-type": "application/json",
    "retry-after": "20",
  });
  await response.body!.cancel();
});

Deno.test("errorResponse() summarizes the attempts, including those of nested chains", async () => {
  const models = [
    fakeModel("a", [step.fail(busy("20"))]),
    fallbackModel([
      fakeModel("b", [step.hang()]),
      fakeModel("c", [step.fail(httpError)]),
    ], {
      timeouts: { firstContentMs: 30 },
    }),
  ];
  await virtualTime(async () => {
    const error = await fallbackStream(models, "hi").catch((error) => error);
    const response = errorResponse(error);
    assertEquals(response.status, 503);
    const failed = { outcome: "failed", chunks: 0 };
    assertEquals(await response.json(), {
      error: {
        message: "All models failed",
        attempts: [{
          ...failed,
          model: "a",
          startedAt: 0,
          endedAt: 0,
          error: "The model failed with status 429",
        }, {
          ...failed,
          model: "fallback:b,c",
          startedAt: 0,
          endedAt: 30,
          error: "All models failed",
          nested: [{
            ...failed,
            model: "b",
            startedAt: 0,
            endedAt: 30,
            error:
              'Model "b" sent no content within 30 ms (timeouts.firstContentMs)',
          }, {
            ...failed,
            model: "c",
            startedAt: 30,
            endedAt: 30,
            error: "The model failed with status 500",
          }],
        }],
      },
    });
  });
});

Deno.test("errorResponse() treats an error that fallbackOn rejected like any other", async () => {
  const models = [
    fakeModel("a", [step.fail(busy("20"))]),
    fakeModel("b", ["never"]),
  ];
  await virtualTime(async () => {
    const call = fallbackStream(models, "hi", { fallbackOn: TypeError });
    const response = errorResponse(await call.catch((error) => error));
    assertEquals(response.status, 503);
    const { error } = await response.json();
    assertEquals(error.message, "The model failed with status 429");
    assertEquals(error.attempts.length, 1);
  });
});
