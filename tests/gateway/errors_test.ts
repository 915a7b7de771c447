// What a client gets when no model answers.

import {
  AllModelsFailedError,
  EmptyStreamError,
  ModelTimeoutError,
} from "@fallback/stream";
import {
  step,
  virtualTime,
  wire,
  type WireScript,
} from "@fallback/stream/testing";
import { assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { toGatewayError } from "../../src/gateway/_failure.ts";
import { chain, chatRequest, providerError } from "./_client.ts";
import { FAILED_RECORD } from "../_test_attempt.ts";

/** What an SDK throws for a response with this status. */
const sdkError = (status: number, fields: object = {}, message = "secret") =>
  Object.assign(new Error(message), { status, ...fields });

const tooLong = {
  message: "too long",
  code: "context_length_exceeded",
  param: "messages",
  type: "some_error",
};
const rejected = { message: "not this", code: "content_policy_violation" };
const refused = { type: "invalid_request_error", code: null, param: null };
const failed = {
  message: "No model could answer the request.",
  type: "provider_error",
  code: "all_models_failed",
  param: null,
};
const busy = {
  ...failed,
  message: "No model is available at the moment.",
  code: "temporarily_unavailable",
};
const late = {
  ...failed,
  message: "No model answered in time.",
  code: "timeout",
};
const limited = {
  message: "The rate limit of the model is exceeded.",
  type: "rate_limit_error",
  code: "rate_limit_exceeded",
  param: null,
};
const filtered = {
  ...refused,
  message: "The model refused to answer because of its content filter.",
  code: "content_filter",
};

interface Case {
  readonly name: string;
  /** What the providers send. */
  readonly scripts?: readonly WireScript[];
  /** What models throw that are no providers. */
  readonly errors?: readonly unknown[];
  readonly status: number;
  readonly error: object;
  readonly retryAfter?: string;
  /** The number of providers that are called. */
  readonly called?: number;
}

const cases: Case[] = [
  {
    name: "400 from all, with the provider's message",
    scripts: [providerError(400, tooLong), providerError(400, tooLong)],
    status: 400,
    error: tooLong,
  },
  ...[413, 422].map((status) => ({
    name: `${status} from all, with the provider's message`,
    scripts: [providerError(status, { message: "cannot" })],
    status,
    error: { ...refused, message: "cannot" },
  })),
  ...[
    [400, "The model refused the request."],
    [413, "The request is too large for the model."],
    [422, "The model cannot process the request."],
  ].map(([status, message]) => ({
    name: `${status} without any message`,
    errors: [sdkError(status as number, {}, `${status} `)],
    status: status as number,
    error: { ...refused, message },
  })),
  {
    name:
      "429 from all, with the shortest wait and without the provider's message",
    scripts: [
      providerError(429, {}, { "retry-after": "20" }),
      providerError(429, {}, { "retry-after": "7" }),
    ],
    status: 429,
    error: limited,
    retryAfter: "7",
  },
  {
    name: "the longest wait that a timer can keep, rounded up",
    errors: [sdkError(429, { retryAfterMs: 2_147_483_647 })],
    status: 429,
    error: limited,
    retryAfter: "2147484",
  },
  {
    name: "a longer wait",
    errors: [sdkError(429, { retryAfterMs: 2_147_483_648 })],
    status: 429,
    error: limited,
  },
  {
    name: "a wait of whole seconds",
    errors: [sdkError(503, { retryAfterMs: 3000 })],
    status: 503,
    error: busy,
    retryAfter: "3",
  },
  {
    name: "408 from all",
    scripts: [providerError(408)],
    status: 408,
    error: {
      ...failed,
      message: "The model took too long to receive the request.",
      code: null,
    },
  },
  {
    name: "409 from all",
    scripts: [providerError(409)],
    status: 409,
    error: {
      ...failed,
      message: "The request conflicts with another one.",
      code: null,
    },
  },
  {
    name: "400 and 500",
    scripts: [providerError(400, tooLong), providerError(500)],
    status: 502,
    error: failed,
  },
  {
    name: "400 and 422",
    scripts: [providerError(400), providerError(422)],
    status: 502,
    error: failed,
  },
  {
    name: "one Retry-After among other errors",
    scripts: [
      providerError(503, {}, { "retry-after": "9" }),
      providerError(500),
    ],
    status: 503,
    error: busy,
    retryAfter: "9",
  },
  ...[401, 402, 403, 404, 500].map((status) => ({
    name: `${status} is the operator's trouble`,
    scripts: [providerError(status)],
    status: 502,
    error: failed,
  })),
  ...[
    "API key not valid. Please pass a valid API key.",
    "Your credit balance is too low to access the API.",
  ].map((message) => ({
    name: `a 400 is the operator's trouble: ${message}`,
    scripts: [providerError(400), providerError(400, { message })],
    status: 502,
    error: failed,
  })),
  {
    name: "an error without a status",
    errors: [new Error("secret")],
    status: 502,
    error: failed,
  },
  {
    name: "timeouts of all",
    errors: [1, 2].map((ms) => new ModelTimeoutError("m", "firstContent", ms)),
    status: 504,
    error: late,
  },
  {
    name: "a timeout and another error",
    errors: [new ModelTimeoutError("m", "firstContent", 1), sdkError(500)],
    status: 502,
    error: failed,
  },
  {
    name: "a content filter error without a fallback",
    scripts: [providerError(400, rejected), ["never"]],
    status: 400,
    error: { ...refused, ...rejected },
    called: 1,
  },
  {
    name: "an answer that was filtered before content",
    scripts: [[wire.finish("content_filter")], ["never"]],
    status: 400,
    error: {
      ...filtered,
      message:
        'The answer was filtered: it has no content, and finish_reason "content_filter"',
    },
    called: 1,
  },
  {
    name: "an empty answer whose finish reason is a content filter",
    errors: [new EmptyStreamError("m", "content_filter"), new Error("never")],
    status: 400,
    error: filtered,
  },
  {
    name: "a content filter error inside a stream",
    scripts: [
      [{ error: { code: "content_filter", message: "filtered", type: "x" } }],
      ["never"],
    ],
    status: 400,
    error: { ...filtered, message: "filtered", type: "x" },
    called: 1,
  },
  {
    name: "Azure's nested content filter error",
    scripts: [
      providerError(400, {
        code: "bad",
        innererror: { code: "ResponsibleAIPolicyViolation" },
      }),
      ["never"],
    ],
    status: 400,
    error: {
      ...refused,
      message: "provider says so",
      code: "ResponsibleAIPolicyViolation",
    },
    called: 1,
  },
];

for (const { name, scripts = [], errors, called, ...expected } of cases) {
  Deno.test(`gateway() responds when all models fail: ${name}`, async () => {
    for (const stream of [false, true]) {
      const { handler, providers } = chain(
        scripts,
        errors && {
          models: { chat: errors.map((error) => () => Promise.reject(error)) },
        },
      );
      const response = await handler(chatRequest({ stream }));
      const { status, headers } = response;
      assertEquals(
        {
          status,
          ...await response.json(),
          retryAfter: headers.get("retry-after") ?? undefined,
          called: providers.filter(({ calls }) => calls.length > 0).length,
        },
        {
          retryAfter: undefined,
          called: called ?? scripts.length,
          ...expected,
        },
      );
      assertEquals(
        ["x-should-retry", "cache-control"].map((name) => headers.get(name)),
        ["false", "no-store"],
      );
    }
  });
}

Deno.test("gateway() tries the next model after a refusal of the content if 'fallbackOn' accepts it", async () => {
  const refusal = providerError(400, rejected);
  const cases: [second: WireScript, status: number, error?: object][] = [
    [["Hi"], 200],
    [providerError(500), 502, failed],
    // If all of them refuse the content, the first one is quoted.
    [providerError(400, { code: "content_filter" }), 400, {
      ...refused,
      ...rejected,
    }],
  ];
  for (const [second, status, error] of cases) {
    const { handler } = chain([refusal, second], {
      fallback: { fallbackOn: () => true },
    });
    const response = await handler(chatRequest());
    const answer = await response.json();
    assertEquals([response.status, answer.error], [status, error]);
  }
});

/** What nested chains throw, `depth` levels deep. */
const nest = (depth: number, error: unknown): unknown =>
  depth === 0 ? error : new AllModelsFailedError([{
    ...FAILED_RECORD,
    error: nest(depth - 1, error),
  }]);

Deno.test("toGatewayError() quotes the provider below six nested chains, and no further", () => {
  const error = sdkError(400, {}, "too long");
  const messages = [0, 1, 6, 7].map((depth) =>
    toGatewayError(nest(depth, error)).message
  );
  const cut = "All models failed: m: too long";
  assertEquals(messages, ["too long", "too long", "too long", cut]);
});

Deno.test("gateway() responds 504 when every model timed out", async () => {
  await virtualTime(async () => {
    const { handler } = chain([[step.hang()], [step.hang()]], {
      fallback: { timeouts: { firstContentMs: 1 } },
    });
    const response = await handler(chatRequest());
    assertEquals(
      [response.status, await response.json()],
      [504, { error: late }],
    );
  });
});

Deno.test("gateway() responds 500 for an error of the operator's code, without its message", async () => {
  const failure = new Error("secret place");
  const { handler, reports } = chain([], {
    models: {
      chat: () => {
        throw failure;
      },
    },
  });
  const response = await handler(chatRequest());
  assertEquals([response.status, await response.json()], [500, {
    error: {
      message: "The gateway has an internal error.",
      type: "server_error",
      code: "internal_error",
      param: null,
    },
  }]);
  assertEquals(reports.map(({ status, error }) => [status, error]), [
    [500, failure],
  ]);
});

Deno.test("gateway() sends an error event for a failure after the first heartbeat, whenever the client reads", async () => {
  const { message, type, code } = failed;
  for (const readAfterMs of [0, 100]) {
    await virtualTime(async () => {
      const { handler, reports } = chain([[step.wait(30), wire.status(401)]], {
        heartbeatMs: 20,
      });
      const response = await handler(chatRequest({ stream: true }));
      assertEquals([response.status, Date.now()], [200, 20]);
      await delay(readAfterMs);
      assertEquals(
        await response.text(),
        `: \n\ndata: ${JSON.stringify({ error: { message, type, code } })}\n\n`,
      );
      assertEquals(
        reports.map(({ status, attempts }) => [
          status,
          attempts.map(({ outcome }) => outcome),
        ]),
        [[200, ["failed"]]],
      );
    });
  }
});
