// What failed before there was an answer is a status that tells the client's
// machinery what to do: ask again later (503), give up on a gateway that was too
// slow (504) or broken (502).

import {
  AllModelsFailedError,
  type Attempt,
  EmptyStreamError,
  fallbackModel,
  fallbackStream,
  ModelTimeoutError,
  TruncatedStreamError,
} from "@fallback/stream";
import { HttpError } from "@fallback/stream/openai";
import { errorResponse } from "@fallback/stream/sse";
import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
import { assertEquals, assertMatch } from "@std/assert";

const timeout = new ModelTimeoutError("m", "firstContent", 50);
const refused = new HttpError(500, { body: "sorry" });
const busy = (value: string, name = "retry-after") =>
  new HttpError(429, { headers: { [name]: value } });

/** The error of a chain whose models fail with these; a list is a chain in it. */
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

/** An error, the status that it makes, and after how many seconds to ask again. */
type Case = readonly [error: unknown, status: number, retryAfter?: string];

const cases: Record<string, Case> = {
  // One error.
  "a provider's error": [new Error("x"), 502],
  "a provider's status": [refused, 502],
  "a provider's 504": [new HttpError(504), 502],
  "an empty stream": [new EmptyStreamError("m"), 502],
  "a truncated stream": [new TruncatedStreamError("m"), 502],
  "a time-out": [timeout, 504],
  "a time-out of the whole call": [new ModelTimeoutError("m", "total", 1), 504],
  "a status with retry-after": [busy("20"), 503, "20"],
  "a status with retry-after-ms": [busy("1200", "retry-after-ms"), 503, "2"],
  "a wait of no time": [busy("0"), 503, "0"],
  "a wait of part of a second": [busy("0.2"), 503, "1"],
  "a date as retry-after": [
    { headers: { "retry-after": "Thu, 01 Jan 1970 00:01:00 GMT" } },
    503,
    "60",
  ],
  "a date that is past": [busy("Wed, 31 Dec 1969 23:59:59 GMT"), 503, "0"],
  "a retry-after that is none": [busy("soon"), 502],
  "a negative retry-after": [busy("-5"), 502],
  "an error with retryAfterMs": [{ retryAfterMs: 4001 }, 503, "5"],
  "a retryAfterMs that is no time": [{ retryAfterMs: NaN }, 502],
  "headers that are a plain object": [
    { response: { headers: { "Retry-After": "7" } } },
    503,
    "7",
  ],
  "headers that are none": [{ headers: 42 }, 502],

  // All models of a chain.
  "failures": [failed(new Error("x"), refused), 502],
  "time-outs": [failed(timeout, timeout), 504],
  "a time-out after a failure": [failed(refused, timeout), 502],
  "a failure after a time-out": [failed(timeout, refused), 502],
  "a time-out and a wait": [failed(timeout, busy("9")), 503, "9"],
  "the shortest of several waits": [
    failed(busy("30"), refused, busy("4"), busy("600")),
    503,
    "4",
  ],
  "time-outs of chains in chains": [failed(timeout, [[timeout]]), 504],
  "a failure deep in chains of time-outs": [
    failed(timeout, [timeout, [refused, timeout]]),
    502,
  ],
  "the shortest wait of chains in chains": [
    failed(busy("30"), [refused, [busy("12"), busy("20")]]),
    503,
    "12",
  ],

  "no model at all": [failed(), 502],

  // What nobody should throw.
  "undefined": [undefined, 502],
  "null": [null, 502],
  "a text": ["x", 502],
  "a number": [504, 502],
  "a symbol": [Symbol("x"), 502],
  "an error without a prototype": [Object.create(null), 502],
  "an array": [[timeout], 502],
};

for (const [what, [error, status, retryAfter]] of Object.entries(cases)) {
  Deno.test(
    `the response is a ${status}${
      retryAfter ? ` with retry-after ${retryAfter}` : ""
    } for: ${what}`,
    () =>
      virtualTime(async () => {
        const response = errorResponse(error);
        assertEquals(
          [response.status, response.headers.get("retry-after")],
          [status, retryAfter ?? null],
        );
        const { error: { message, attempts }, ...rest } = await response.json();
        assertEquals([typeof message, attempts, rest], ["string", [], {}]);
      }),
  );
}

Deno.test("retry-after is a whole number of seconds, or is not sent", async () => {
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
    const { headers, body } = errorResponse(error);
    assertMatch(headers.get("retry-after") ?? "0", /^\d+$/);
    await body!.cancel();
  }
});

Deno.test("the response is JSON that nobody keeps", async () => {
  const response = errorResponse(busy("20"));
  assertEquals(Object.fromEntries(response.headers), {
    "cache-control": "no-store",
    "content-type": "application/json",
    "retry-after": "20",
  });
  await response.body!.cancel();
});

Deno.test("the response sums up what was tried, also in chains in chains", async () => {
  const models = [
    fakeModel("a", [step.fail(busy("20"))]),
    fallbackModel([
      fakeModel("b", [step.hang()]),
      fakeModel("c", [step.fail(refused)]),
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
        message: "all models failed",
        attempts: [{
          ...failed,
          model: "a",
          startedAt: 0,
          endedAt: 0,
          error: "the model failed with status 429",
        }, {
          ...failed,
          model: "fallback:b,c",
          startedAt: 0,
          endedAt: 30,
          error: "all models failed",
          nested: [{
            ...failed,
            model: "b",
            startedAt: 0,
            endedAt: 30,
            error: "no content within 30 ms",
          }, {
            ...failed,
            model: "c",
            startedAt: 30,
            endedAt: 30,
            error: "the model failed with status 500",
          }],
        }],
      },
    });
  });
});

Deno.test("an error that fallbackOn refused is the response that it would be alone", async () => {
  const models = [
    fakeModel("a", [step.fail(busy("20"))]),
    fakeModel("b", ["never"]),
  ];
  await virtualTime(async () => {
    const call = fallbackStream(models, "hi", { fallbackOn: TypeError });
    const response = errorResponse(await call.catch((error) => error));
    assertEquals(response.status, 503);
    const { error } = await response.json();
    assertEquals(error.message, "the model failed with status 429");
    assertEquals(error.attempts.length, 1);
  });
});
