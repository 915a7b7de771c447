// What is read from the error objects of the many servers.

import { assertEquals, assertStrictEquals } from "@std/assert";
import { StreamError } from "@fallback/stream/openai";
import {
  errorIn,
  readError,
  summaryOfBody,
} from "../../src/openai/_provider_error.ts";

/** What is found in an object that says nothing. */
const NOTHING = {
  summary: "",
  type: undefined,
  code: undefined,
  status: undefined,
};

/** The fields of an error object that say what happened, the best first. */
const SUMMARY_FIELDS = [
  ..."message Message msg error_message error_msg errorMessage errmsg".split(
    " ",
  ),
  ..."detail description error_description status_msg faultstring".split(" "),
  ..."exception title error type error_type code error_code".split(" "),
];

/** Codes as servers spell them, by the status that they stand for. */
const CODES: Record<number, string> = {
  400:
    "BadRequestError INVALID_REQUEST invalid_request_error INVALID_ARGUMENT InvalidParameter FAILED_PRECONDITION OUT_OF_RANGE ValidationException context_length_exceeded ContextWindowExceededError exceed_context_size_error content_filter ContentPolicyViolationError ResponsibleAIPolicyViolation data_inspection_failed",
  401:
    "AuthenticationError UNAUTHENTICATED unauthorized invalid_api_key incorrect_api_key_error invalid_authentication_error",
  402:
    "billing_error payment_required insufficient_balance insufficient_credits Arrearage",
  403: "permission_error PermissionDeniedError forbidden AccessDeniedException",
  404: "NotFoundError model_not_found ResourceNotFoundException",
  408: "request_timeout",
  409: "ConflictError ABORTED",
  413: "request_too_large payload_too_large",
  422: "UnprocessableEntityError",
  429:
    "RateLimitError RATE_LIMITED rate_limit_exceeded rate_limit_reached_error TooManyRequestsException quota_exceeded exceeded_current_quota_error insufficient_quota RESOURCE_EXHAUSTED limit_exceeded limit_requests engine_overloaded_error Throttling Throttling.RateQuota ThrottlingException",
  500:
    "api_error server_error INTERNAL internal_error InternalServerError unknown_error",
  502: "bad_gateway provider_unavailable upstream_error",
  503:
    "UNAVAILABLE ServiceUnavailableError model_unavailable server_overloaded server_is_overloaded server_busy model_overloaded model_loading insufficient_system_resource",
  504: "timeout_error gateway_timeout DEADLINE_EXCEEDED",
  529: "overloaded_error",
};

/** MiniMax's codes, by the status that they stand for. */
const MINIMAX_CODES: Record<number, number[]> = {
  400: [1026, 1027, 2013],
  401: [1004, 2049],
  402: [1008],
  429: [1002, 1039, 1041, 2056],
  500: [1000, 1013, 1024, 1033],
  504: [1001],
};

Deno.test("errorIn() finds the error of an answer", () => {
  const error = { message: "Busy" };
  const answers: [answer: unknown, error: unknown][] = [
    [{ error, message: "Sorry" }, error],
    [{ error, choices: [] }, error],
    [[{ error }, {}], error],
    [{ error: {} }, {}],
    [{ error: "Busy" }, "Busy"],
    [{ x_groq: { error: "Busy" }, choices: [] }, "Busy"],
    [{ errors: [error, "Sorry"], choices: [] }, error],
    [{ errors: [error], choices: [] }, error],
    [{ base_resp: { status_code: 1 }, choices: [] }, { status_code: 1 }],
    [{ response: { error }, message: "Sorry" }, error],
    [{ choices: [null, 7, {}, { error }] }, error],
    [{ choices: [{ delta: { error } }] }, error],
    [{ choices: [{ message: { error } }] }, error],
  ];
  for (const [answer, expected] of answers) {
    assertEquals(errorIn(answer), expected, JSON.stringify(answer));
  }
  const choices = [{ error: true }, { error: {}, error_message: "Busy" }];
  for (const choice of choices) {
    assertStrictEquals(errorIn({ choices: [choice] }), choice);
  }
});

Deno.test("errorIn() takes a whole answer for the error if its fields say so", () => {
  const answers: object[] = [
    { error: true },
    ...["message", "code", "status", "statusCode", "error_type", "error_code"]
      .map((field) => ({ error: "Busy", [field]: "x" })),
    ...["object", "type"].map((field) => ({ [field]: "error", choices: [] })),
    ...["error_message", "error_msg", "errorMessage", "error_type"]
      .map((field) => ({ [field]: "x", choices: [] })),
    ...["error_code", "errorCode", "errmsg", "exception", "fault"]
      .map((field) => ({ [field]: "x", choices: [] })),
    { success: false },
    { status: "error" },
    ...["status", "statusCode", "code"].map((field) => ({ [field]: 500 })),
    { detail: [{}] },
    ...["message", "Message", "msg", "detail"].map((field) => ({
      [field]: "",
    })),
    { errors: [], choices: null, msg: "Busy" },
  ];
  for (const answer of answers) {
    assertStrictEquals(errorIn(answer), answer, JSON.stringify(answer));
  }
});

Deno.test("errorIn() returns undefined for an answer without an error", () => {
  const answers: unknown[] = [
    undefined,
    null,
    17,
    "text",
    [],
    {},
    { error: {}, choices: [] },
    { error: null, x_groq: null, choices: [] },
    { object: "list", type: "x", choices: [] },
    { errors: "none", base_resp: { status_code: "1" }, choices: [] },
    { base_resp: { status_code: 0 } },
    { choices: "none", message: "x" },
    { choices: [{ error: {}, delta: { error: {} }, message: null }] },
    { success: true, status: "ok", code: 200, detail: [] },
  ];
  for (const answer of answers) {
    assertEquals(errorIn(answer), undefined, JSON.stringify(answer));
  }
});

Deno.test("readError() reads the summary, the type, the code and the status", () => {
  const errors: [error: unknown, expected: object][] = [
    [undefined, {}],
    [null, {}],
    [true, {}],
    [{}, {}],
    ["Busy\n now", { summary: "Busy now" }],
    [17, { summary: "17" }],
    ["503", { summary: "503", status: 503 }],
    [[{ message: "Busy" }, "Sorry"], { summary: "Busy" }],
    [{ message: ["Busy", "Sorry"] }, { summary: "Busy" }],
    [{ type: "a", error_type: "b" }, { summary: "a", type: "a" }],
    [{ error_type: "b" }, { summary: "b", type: "b" }],
    [{ type: 1, code: true, error: { type: "a", code: "b" } }, {
      summary: "a",
      type: "a",
      code: "b",
    }],
    [{ error: null, code: 7, error_code: 8 }, { summary: "7", code: 7 }],
    [{ code: null, error_code: "b" }, { summary: "b", code: "b" }],
    [{ status_code: 7 }, { code: 7 }],
    [{ error: { status: 503 } }, { status: 503 }],
    [{ status: 429, error: { status: 503 } }, { status: 429 }],
    [{ status: "399", statusCode: "429" }, { status: 429 }],
  ];
  for (const [error, expected] of errors) {
    const context = JSON.stringify(error);
    assertEquals(readError(error), { ...NOTHING, ...expected }, context);
  }
});

Deno.test("readError() takes the summary from the best field, through four errors", () => {
  for (const [i, field] of SUMMARY_FIELDS.entries()) {
    const fields = SUMMARY_FIELDS.slice(i).map((name) => [name, `${name}!`]);
    const { summary } = readError(Object.fromEntries(fields));
    assertEquals(summary, `${field}!`);
  }
  for (const wrap of [(e: unknown) => ({ error: e }), (e: unknown) => [e]]) {
    let error: unknown = { message: "Busy" };
    for (let depth = 0; depth < 4; depth++) error = wrap(error);
    assertEquals(readError(error).summary, "Busy");
    assertEquals(readError(wrap(error)).summary, "");
  }
});

Deno.test("readError() reads the status from any field that may have one", () => {
  const numeric = ["code", "status", "statusCode", "status_code", "error_code"];
  for (const field of numeric) {
    assertEquals(readError({ [field]: 503 }).status, 503, field);
    assertEquals(readError({ [field]: "503" }).status, 503, field);
  }
  const named = ["code", "error_code", "errorCode", "status", "type"];
  for (const field of [...named, "error_type", "error"]) {
    assertEquals(readError({ [field]: "RateLimitError" }).status, 429, field);
  }
});

Deno.test("StreamError has the status that a code stands for, however it is spelled", () => {
  const statusOf = (error: object) => new StreamError("", error).status;
  for (const [status, codes] of Object.entries(CODES)) {
    for (const code of codes.split(" ")) {
      assertEquals(statusOf({ code }), Number(status), code);
    }
  }
  for (const code of ["", "error", "enough", "not_throttling"]) {
    assertEquals(statusOf({ code }), undefined);
  }
  for (const [status, codes] of Object.entries(MINIMAX_CODES)) {
    for (const status_code of codes) {
      assertEquals(statusOf({ status_code }), Number(status), `${status_code}`);
    }
  }
  assertEquals(statusOf({ status_code: "1002" }), undefined);
});

Deno.test("StreamError has the type and the code of its error, unless they are given", () => {
  const error = { type: "t", code: "c", status: 503 };
  const shown = (each: StreamError) => ({ ...each, message: each.message });
  assertEquals(shown(new StreamError("Busy", error)), {
    name: "StreamError",
    message: "Busy",
    error,
    ...error,
  });
  const given = { code: 7, status: 400 };
  assertEquals(shown(new StreamError("Busy", error, given)), {
    name: "StreamError",
    message: "Busy",
    error,
    type: "t",
    ...given,
  });
});

Deno.test("summaryOfBody() returns what the JSON of a body says, or a text without JSON", () => {
  const bodies: [body: string, summary: string][] = [
    ['{"error":{"message":"Inner"},"message":"Outer"}', "Inner"],
    ['{"title":"Bad Request"}', "Bad Request"],
    ["event: error\ndata: 17\ndata: null\ndata: []", ""],
    ['\nid: 1\ndata: null\ndata: {"message":"Busy"}', "Busy"],
    ['retry: 1\n: {"msg":"Busy"}\n{"msg":"Sorry"}', "Busy"],
    ["data: Busy", "data: Busy"],
    ['Sorry\n{"message":"Busy"}', 'Sorry {"message":"Busy"}'],
    [" \n<p>Sorry</p>", ""],
    ['{"error": {"message": "Bu', ""],
    ['[{"error', ""],
  ];
  for (const [body, summary] of bodies) {
    assertEquals(summaryOfBody(body), summary, body);
  }
});
