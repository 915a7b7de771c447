// Which checks a request has to pass, in which order, and what the model gets.

import { bearerKeys, gateway } from "@fallback/stream/gateway";
import { virtualTime } from "@fallback/stream/testing";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { chain, chatRequest, KEY, messages } from "./_client.ts";

const json = { "content-type": "application/json" };
const bearer = (key: string) => ({ ...json, authorization: `Bearer ${key}` });

interface Case {
  readonly name: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: BodyInit | null;
  /** 400 if there is an `error`, else 200. */
  readonly status?: number;
  readonly error?: object;
  /** Headers of the response. */
  readonly expected?: Record<string, string>;
}

const invalidRequest = {
  message: "",
  type: "invalid_request_error",
  code: null,
  param: null,
};
const valid = JSON.stringify({ model: "chat", messages });
const field = (fields: object) =>
  JSON.stringify({ model: "chat", messages, ...fields });

/** A refusal of each of these values of a field. */
const invalid = (param: string, rule: string, ...values: unknown[]): Case[] =>
  values.map((value) => ({
    name: `${param}: ${JSON.stringify(value)}`,
    body: field({ [param]: value }),
    error: { message: `'${param}' ${rule}.`, param },
  }));

/** The refusal of a field that is not known. */
const unknown = (param: string) => ({
  message: `Unknown parameter: '${param}'.`,
  code: "unknown_parameter",
  param,
});

/** The refusal of a model that does not exist. */
const noModel = (id: string) => ({
  message: `The model '${id}' does not exist.`,
  code: "model_not_found",
  param: "model",
});

const unsupported = (hint: string) => ({
  message: `The gateway speaks chat completions only${hint}`,
  code: "unsupported_endpoint",
});
const unauthorized = {
  status: 401,
  error: {
    message: "The API key is missing or wrong.",
    type: "authentication_error",
    code: "invalid_api_key",
  },
  expected: { "www-authenticate": "Bearer" },
};
const notFound = {
  status: 404,
  error: { message: "There is nothing at this path.", code: "not_found" },
};
const notAllowed = (allow: string) => ({
  status: 405,
  error: {
    message: `The method must be ${allow}.`,
    code: "method_not_allowed",
  },
  expected: { allow },
});
const notJson = {
  status: 415,
  error: {
    message: "The body must be JSON: set 'content-type: application/json'.",
    code: "unsupported_media_type",
  },
};
const tooLarge = {
  status: 413,
  error: {
    message: "The body is larger than 4000 bytes.",
    code: "request_too_large",
  },
};
const noJson = { error: { message: "The body is not valid JSON." } };
const noObject = { error: { message: "The body must be a JSON object." } };

/** A body of `depth` objects and lists in one another. */
const nested = (depth: number) =>
  field({ user: 0 }).replace(
    ":0",
    `:${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}`,
  );

/** A valid request with this number of bytes. */
const ofSize = (bytes: number) =>
  field({ user: "x".repeat(bytes - field({ user: "" }).length) });

const cases: Case[] = [
  ...["/x", "/", "/v1", "/v1x/models", "/models/%zz", "/modelsx"].map((
    path,
  ) => ({ name: `${path}, before the key`, path, headers: {}, ...notFound })),
  {
    name: "/v1/responses",
    path: "/v1/responses",
    status: 404,
    error: unsupported(
      ". In the AI SDK use 'provider.chat(model)' or '@ai-sdk/openai-compatible'; in the agents SDK 'setOpenAIAPI(\"chat_completions\")'; elsewhere use the chat completions API.",
    ),
  },
  {
    name: "/completions",
    path: "/completions",
    status: 404,
    error: unsupported(": set your client to '/v1/chat/completions'."),
  },
  {
    name: "/v1/embeddings/x",
    path: "/v1/embeddings/x",
    status: 404,
    error: unsupported(": set another base URL for embeddings."),
  },
  {
    name: "a method, before the key",
    method: "GET",
    headers: {},
    ...notAllowed("POST"),
  },
  { name: "a preflight", method: "OPTIONS", ...notAllowed("POST") },
  ...["/models", "/models/chat", "/health"].map((path) => ({
    name: `POST ${path}`,
    path,
    ...notAllowed("GET, HEAD"),
  })),
  { name: "no key, before the body", headers: {}, body: "{", ...unauthorized },
  {
    name: "a wrong key",
    headers: bearer("wrong-key-0123456789"),
    ...unauthorized,
  },
  { name: "an empty key", headers: bearer(""), ...unauthorized },
  ...["text/plain", "application/jsonl", "x application/json"].map((type) => ({
    name: `the content type ${type}, before the size`,
    headers: { ...bearer(KEY), "content-type": type },
    body: ofSize(4001),
    ...notJson,
  })),
  {
    name: "no content type",
    headers: { authorization: `Bearer ${KEY}` },
    body: new TextEncoder().encode(valid),
    ...notJson,
  },
  {
    name: "a compressed body",
    headers: { ...bearer(KEY), "content-encoding": "gzip" },
    ...notJson,
  },
  { name: "a body that is too large", body: ofSize(4001), ...tooLarge },
  {
    name: "a body that is said to be too large",
    headers: { ...bearer(KEY), "content-length": "4001" },
    ...tooLarge,
  },
  { name: "invalid JSON", body: "{", ...noJson },
  { name: "no body", body: null, ...noJson },
  {
    name: "a body that is no UTF-8",
    body: Uint8Array.of(0x22, 0xff, 0x22),
    error: { message: "The body is not valid UTF-8." },
  },
  ...["[]", "null", "7"].map((body) => ({ name: body, body, ...noObject })),
  {
    name: "deep nesting, which would fail every model",
    body: nested(501),
    error: { message: "The body is nested more than 500 deep." },
  },
  {
    name: "an unknown field, before the model",
    body: field({ model: "no", api_base: "http://evil" }),
    error: unknown("api_base"),
  },
  {
    name: "an unknown field with a name of 81 characters",
    body: field({ ["a" + "b".repeat(80)]: 1 }),
    error: unknown("a" + "b".repeat(79)),
  },
  { name: "models", body: field({ models: [1] }), error: unknown("models") },
  {
    name: "__proto__",
    body: `{"__proto__":{},${valid.slice(1)}`,
    error: unknown("__proto__"),
  },
  ...invalid("model", "must be the name of a model", "", 7, null),
  ...invalid("stream", "must be a boolean", "true", 1),
  ...invalid(
    "stream_options",
    "must be an object with 'include_usage'",
    "x",
    true,
    { include_usage: "true" },
  ),
  ...invalid(
    "messages",
    "must be a list of messages, each with a 'role'",
    [],
    "hi",
    { length: 1 },
    [null],
    [...messages, { role: 1 }],
  ),
  ...["n", "max_tokens", "max_completion_tokens"].flatMap((param) =>
    invalid(param, "must be a positive integer", "2", 0, -1, 1.5, 2 ** 53)
  ),
  {
    name: "a model named constructor",
    body: field({ model: "constructor" }),
    status: 404,
    error: noModel("constructor"),
  },
  {
    name: "a model whose name has 101 characters",
    body: field({ model: "a" + "b".repeat(100) }),
    status: 404,
    error: noModel("a" + "b".repeat(99)),
  },
  { name: "a valid request" },
  { name: "a valid request without /v1", path: "/chat/completions" },
  {
    name: "fields that are null",
    body: field({ stream: null, stream_options: null, n: null }),
  },
  {
    name: "stream_options without include_usage",
    body: field({ stream: false, stream_options: {} }),
  },
  {
    name: "include_usage that is null",
    body: field({ stream_options: { include_usage: null } }),
  },
  { name: "the deepest nesting", body: nested(500) },
  { name: "the largest body", body: ofSize(4000) },
  {
    name: "the largest length",
    headers: { ...bearer(KEY), "content-length": "4000" },
  },
  {
    name: "a charset and an encoding",
    headers: {
      ...bearer(KEY),
      "content-type": "Application/JSON ; charset=utf-8",
      "content-encoding": "identity",
    },
  },
];

Deno.test("gateway() rejects invalid requests in the order of its checks", async (t) => {
  const { handler } = chain([["Hi"]], {
    authorize: bearerKeys(KEY),
    maxBodyBytes: 4000,
  });
  for (const { name, path, method = "POST", headers, body, ...rest } of cases) {
    await t.step(name, async () => {
      const url = `http://localhost${path ?? "/v1/chat/completions"}`;
      const response = await handler(
        new Request(url, {
          method,
          headers: headers ?? bearer(KEY),
          ...(method === "POST" && { body: body === undefined ? valid : body }),
        }),
      );
      const { error, status = error ? 400 : 200, expected = {} } = rest;
      const answer = await response.json();
      assertEquals([response.status, answer.error], [
        status,
        error && { ...invalidRequest, ...error },
      ]);
      const {
        "x-request-id": id,
        "cache-control": caching,
        "content-type": type,
        ...others
      } = Object.fromEntries(response.headers);
      assertMatch(id!, /^[\da-f-]{36}$/);
      assertEquals([type, caching], ["application/json", "no-store"]);
      assertEquals(others, expected);
    });
  }
});

Deno.test("gateway() lists its models, and answers /health without a key", async () => {
  using _ = new FakeTime(7_999_999);
  const models = { chat: () => [], "a/b": () => [] };
  const { handler } = chain([], { authorize: bearerKeys(KEY), models });
  const get = async (path: string, headers = bearer(KEY), method = "GET") => {
    const url = `http://localhost${path}`;
    const response = await handler(new Request(url, { method, headers }));
    return [response.status, await response.json()];
  };
  const model = (id: string) => ({
    id,
    object: "model",
    created: 7999,
    owned_by: "fallback",
  });
  for (const prefix of ["", "/v1"]) {
    for (const method of ["GET", "HEAD"]) {
      assertEquals(await get(`${prefix}/health`, json as never, method), [
        200,
        { status: "ok" },
      ]);
      assertEquals(await get(`${prefix}/models`, bearer(KEY), method), [200, {
        object: "list",
        data: [model("chat"), model("a/b")],
      }]);
    }
    assertEquals((await get(`${prefix}/models`, json as never))[0], 401);
    assertEquals(
      await get(`${prefix}/models/a%2Fb`),
      [200, model("a/b")],
    );
    assertEquals(await get(`${prefix}/models/toString`), [404, {
      error: { ...invalidRequest, ...noModel("toString") },
    }]);
  }
});

Deno.test("gateway() responds 404 to a request whose URL cannot be parsed", async () => {
  const { handler } = chain([["Hi"]]);
  const request = { method: "GET", url: "http://[" } as Request;
  assertEquals((await handler(request)).status, 404);
});

Deno.test("gateway() passes on the fields of the chat-completions reference and allowFields, and no others", async () => {
  const passed = { seed: 7, stop: null, top_k: 3, n: 1 };
  const account = {
    user: "u",
    store: true,
    metadata: {},
    service_tier: "flex",
  };
  for (const allowed of [{}, account]) {
    const { handler, providers } = chain([["Hi"]], {
      allowFields: ["top_k", ...Object.keys(allowed)],
    });
    const request = chatRequest({ ...passed, ...account, stream: true });
    request.headers.set("x-evil", "1");
    await (await handler(request)).text();
    const [call] = providers[0]!.calls;
    assertEquals(call!.body, {
      messages,
      ...passed,
      ...allowed,
      model: "model-0",
      stream: true,
      stream_options: { include_usage: true },
    });
    assertEquals(call!.headers.get("x-evil"), null);
  }
});

Deno.test("gateway() limits the tokens of all choices together", async () => {
  const cases: [object, object][] = [
    [{}, { max_tokens: 100 }],
    [{ n: 3 }, { max_tokens: 33 }],
    [{ max_tokens: 50 }, { max_tokens: 50 }],
    [{ n: 100 }, { max_tokens: 1 }],
    [{ max_tokens: null }, { max_tokens: 100 }],
    [{ max_completion_tokens: 500, n: 2 }, { max_completion_tokens: 50 }],
    [
      { max_tokens: 500, max_completion_tokens: 7 },
      { max_tokens: 100, max_completion_tokens: 7 },
    ],
  ];
  for (const [body, expected] of cases) {
    const { handler, providers } = chain([["Hi"]], { maxTokens: 100 });
    await (await handler(chatRequest(body))).text();
    const sent = providers[0]!.calls[0]!.body as Record<string, unknown>;
    const limits = ["max_tokens", "max_completion_tokens"]
      .filter((name) => name in sent).map((name) => [name, sent[name]]);
    assertEquals(Object.fromEntries(limits), expected);
  }
  const { handler } = chain([["Hi"]], { maxTokens: 100 });
  const response = await handler(chatRequest({ n: 101 }));
  assertEquals([response.status, await response.json()], [400, {
    error: {
      ...invalidRequest,
      message: "'n' must be at most 100.",
      param: "n",
    },
  }]);
});

Deno.test("gateway() accepts only true or an id from 'authorize'", async () => {
  const results: [result: unknown, status: number, client?: string][] = [
    [true, 200],
    [{ id: "alice" }, 200, "alice"],
    [Promise.resolve({ id: "bob" }), 200, "bob"],
    [false, 401],
    [undefined, 401],
    [null, 401],
    ["true", 401],
    [1, 401],
    [{}, 401],
    [{ id: 7 }, 401],
  ];
  for (const [result, status, client] of results) {
    const { handler, reports } = chain([["Hi"]], {
      authorize: () => result as boolean,
    });
    assertEquals((await handler(chatRequest())).status, status);
    // What was refused is no call.
    assertEquals(
      reports.map(({ client }) => client),
      status === 200 ? [client] : [],
    );
  }
});

Deno.test("gateway() responds 500 when 'authorize' fails, and reports that", async () => {
  const error = new Error("database down");
  const { handler, reports } = chain([["Hi"]], {
    authorize: () => Promise.reject(error),
  });
  const { status, headers } = await handler(chatRequest());
  assertEquals(reports, [{
    requestId: headers.get("x-request-id")!,
    client: undefined,
    model: undefined,
    attempts: [],
    usage: {},
    status: 500,
    durationMs: 0,
    error,
  }]);
  assertEquals(status, 500);
});

Deno.test("gateway() runs 1000 calls at once, and waits 10 seconds for a body, by default", async () => {
  await virtualTime(async () => {
    const { handler } = chain([["Hi"]]);
    let canceled = 0;
    const responses = await Promise.all(Array.from({ length: 1001 }, () => {
      const body = new ReadableStream({ cancel: () => void canceled++ });
      return handler(chatRequest({}, { body }));
    }));
    const counts = Map.groupBy(responses, ({ status }) => status);
    assertEquals(
      [...counts].map(([status, { length }]) => [status, length]),
      [[408, 1000], [503, 1]],
    );
    assertEquals([canceled, Date.now()], [1000, 10_000]);
    assertEquals(await responses[0]!.json(), {
      error: {
        ...invalidRequest,
        message: "The body did not arrive within 10000 ms.",
        code: "request_timeout",
      },
    });
  });
});

Deno.test("gateway() accepts bodies of 20 MiB by default", async () => {
  const { handler } = chain([["Hi"]]);
  const statuses = [20_971_520, 20_971_521].map(async (length) => {
    const headers = { ...json, "content-length": `${length}` };
    return (await handler(chatRequest({}, { headers }))).status;
  });
  assertEquals(await Promise.all(statuses), [200, 413]);
});

Deno.test("gateway() responds 413 for a chunked body at the limit", async () => {
  const { handler } = chain([["Hi"]], { maxBodyBytes: 1000 });
  let pulled = 0;
  const body = new ReadableStream({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(400));
    },
  });
  assertEquals((await handler(chatRequest({}, { body }))).status, 413);
  assert(pulled < 10);
});

Deno.test("gateway() responds 400 to a body that breaks off, or 499 if the client leaves just then", async () => {
  for (const leaves of [false, true]) {
    const { handler, reports } = chain([["Hi"]]);
    const client = new AbortController();
    const { signal } = client;
    const body = new ReadableStream({
      pull(controller) {
        controller.error(new Error("reset"));
        if (leaves) setTimeout(() => client.abort());
      },
    });
    const response = await handler(chatRequest({}, { body, signal }));
    const text = await response.text();
    assertEquals(
      [response.status, text && JSON.parse(text).error.message],
      leaves ? [499, ""] : [400, "The body could not be read."],
    );
    assertEquals(reports.map(({ status }) => status), [response.status]);
  }
});

Deno.test("bearerKeys() throws for missing, empty and short keys, without showing them", () => {
  const noKeys =
    "'keys' must be a string or a list of strings: current value is";
  const tooShort = (index: number, length: number) =>
    `'keys[${index}]' must have at least 16 characters: it has ${length}`;
  const wrong: [keys: unknown, message: string][] = [
    [undefined, `${noKeys} undefined`],
    [7, `${noKeys} "number"`],
    [[], "'keys' must have at least one key"],
    ["", tooShort(0, 0)],
    [" ", tooShort(0, 0)],
    [[""], tooShort(0, 0)],
    [[7], tooShort(0, 0)],
    ["secret-of-15-ch", tooShort(0, 15)],
    [`${KEY},`, tooShort(1, 0)],
    [[KEY, "short-secret"], tooShort(1, 12)],
    [`${KEY},a b`, "'keys[1]' must not contain white space"],
  ];
  for (const [keys, message] of wrong) {
    const error = assertThrows(() => bearerKeys(keys as string), TypeError);
    assertEquals(error.message, message);
  }
});

Deno.test("bearerKeys() compares with every key and names the client by a digest", async () => {
  const authorize = bearerKeys([" for-alice-4f8a2c91 ", "a-key-of-16-char"]);
  const ask = (authorization: string) =>
    authorize(new Request("http://localhost", { headers: { authorization } }));
  assertEquals(await ask("Bearer for-alice-4f8a2c91"), { id: "0714f024" });
  assertEquals(await ask("bearer  a-key-of-16-char "), { id: "20477b65" });
  for (
    const wrong of [
      "a-key-of-16-char",
      "Basic a-key-of-16-char",
      "Bearer a-key-of-16-charx",
      "Bearer",
    ]
  ) {
    assertEquals(await ask(wrong), false);
  }
  assertEquals(await authorize(new Request("http://localhost")), false);
});

Deno.test("gateway() throws for an invalid option", () => {
  const chat = [() => Promise.reject()];
  const names =
    "'models', 'authorize', 'fallback', 'continueCutAnswers', 'allowFields', 'maxTokens', 'maxBodyBytes', 'bodyTimeoutMs', 'maxConcurrent', 'heartbeatMs', 'exposeModels', 'onCall'";
  const chainNames =
    "'fallbackOn', 'isContent', 'isFinal', 'allowEmpty', 'timeouts', 'retry', 'hedge', 'health', 'onEvent'";
  const ms = "must be a number from 0 to 2147483647: current value is -1";
  const count = "must be a positive integer: current value is 0";
  const wrong: [options: unknown, type: typeof Error, message: string][] = [
    [
      { maxToken: 1 },
      TypeError,
      `'options.maxToken' is not an option: known options are ${names}`,
    ],
    [
      { models: 1 },
      TypeError,
      "'options.models' must be an object: current value is 1",
    ],
    [
      { models: {} },
      RangeError,
      "'options.models' must have at least one model: current value is {}",
    ],
    [
      { models: { a: [] } },
      RangeError,
      `'options.models["a"]' must not be empty: current value is []`,
    ],
    [
      { models: { chat, b: [chat[0], 7] } },
      TypeError,
      `'options.models["b"][1]' must be a function, or have a 'name' and a 'stream' function: current value is 7`,
    ],
    [
      { authorize: undefined },
      TypeError,
      `'options.authorize' must be a function, such as bearerKeys() makes, or "anyone": current value is undefined`,
    ],
    [
      { fallback: { name: "a" } },
      TypeError,
      `'options.fallback.name' is not an option: known options are ${chainNames}`,
    ],
    [
      { allowFields: "a" },
      TypeError,
      "'options.allowFields' must be a list of strings: current value is \"a\"",
    ],
    [
      { allowFields: ["a", 1] },
      TypeError,
      "'options.allowFields' must be a list of strings: current value is [\"a\",1]",
    ],
    ...["model", "stream", "stream_options"].map((name) =>
      [
        { allowFields: ["a", name] },
        TypeError,
        `'options.allowFields' must not have the gateway's own model, stream, stream_options: current value is "${name}"`,
      ] as [unknown, typeof Error, string]
    ),
    [
      { onCall: 1 },
      TypeError,
      "'options.onCall' must be a function: current value is 1",
    ],
    [
      { continueCutAnswers: 1 },
      TypeError,
      "'options.continueCutAnswers' must be a boolean: current value is 1",
    ],
    [
      { exposeModels: "no" },
      TypeError,
      "'options.exposeModels' must be a boolean: current value is \"no\"",
    ],
    [{ maxTokens: 0 }, RangeError, `'options.maxTokens' ${count}`],
    [{ maxBodyBytes: 0 }, RangeError, `'options.maxBodyBytes' ${count}`],
    [{ bodyTimeoutMs: -1 }, RangeError, `'options.bodyTimeoutMs' ${ms}`],
    [{ maxConcurrent: 0 }, RangeError, `'options.maxConcurrent' ${count}`],
    [{ heartbeatMs: -1 }, RangeError, `'options.heartbeatMs' ${ms}`],
  ];
  for (const [options, type, message] of wrong) {
    const given = {
      models: { chat },
      authorize: "anyone",
      ...options as object,
    };
    const error = assertThrows(() => gateway(given as never), type);
    assertEquals(error.message, message);
  }
});
