// Which checks a request has to pass, in which order, and what the model gets.

import { bearerKeys, gateway } from "@fallback/stream/gateway";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { chain, chatRequest, KEY, messages } from "./_client.ts";

const json = { "content-type": "application/json" };
const bearer = (key: string) => ({ ...json, authorization: `Bearer ${key}` });

interface Case {
  readonly name: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly status: number;
  readonly code?: string;
}

const valid = JSON.stringify({ model: "chat", messages });
const field = (fields: object) =>
  JSON.stringify({ model: "chat", messages, ...fields });

const cases: Case[] = [
  {
    name: "a path that does not exist, before the key",
    path: "/x",
    status: 404,
  },
  {
    name: "/v1/responses",
    path: "/v1/responses",
    status: 404,
    code: "unsupported_endpoint",
  },
  {
    name: "/embeddings",
    path: "/embeddings",
    status: 404,
    code: "unsupported_endpoint",
  },
  { name: "a method, before the key", method: "GET", status: 405 },
  { name: "a preflight", method: "OPTIONS", status: 405 },
  { name: "no key, before the body", headers: {}, body: "{", status: 401 },
  { name: "a wrong key", headers: bearer("wrong-key-0123456789"), status: 401 },
  { name: "an empty key", headers: bearer(""), status: 401 },
  {
    name: "a content type, before the size",
    headers: { ...bearer(KEY), "content-type": "text/plain" },
    body: "x".repeat(5000),
    status: 415,
  },
  { name: "the size", body: field({ x: "x".repeat(5000) }), status: 413 },
  { name: "invalid JSON", body: "{", status: 400 },
  { name: "an array", body: "[]", status: 400 },
  {
    name: "deep nesting, which would fail every model",
    body: field({ messages: 0 }).replace(
      ":0",
      `:${"[".repeat(900)}${"]".repeat(900)}`,
    ),
    status: 400,
  },
  {
    name: "an unknown field, before the model",
    body: field({ model: "no", api_base: "http://evil" }),
    status: 400,
    code: "unknown_parameter",
  },
  { name: "models", body: field({ models: ["a"] }), status: 400 },
  { name: "__proto__", body: `{"__proto__":{},${valid.slice(1)}`, status: 400 },
  { name: "no messages", body: field({ messages: [] }), status: 400 },
  { name: "messages as a text", body: field({ messages: "hi" }), status: 400 },
  { name: "stream as a text", body: field({ stream: "true" }), status: 400 },
  { name: "n as a text", body: field({ n: "2" }), status: 400 },
  {
    name: "a model named constructor",
    body: field({ model: "constructor" }),
    status: 404,
    code: "model_not_found",
  },
  { name: "a valid request", status: 200 },
  {
    name: "a valid request without /v1",
    path: "/chat/completions",
    status: 200,
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
          ...(method === "POST" && { body: body ?? valid }),
        }),
      );
      assertEquals(response.status, rest.status);
      assert(response.headers.get("x-request-id"));
      assertEquals(response.headers.get("access-control-allow-origin"), null);
      const answer = await response.json();
      if (rest.status === 200) return;
      assertEquals(
        Object.keys(answer.error),
        ["message", "type", "code", "param"],
      );
      if (rest.code) assertEquals(answer.error.code, rest.code);
    });
  }
});

Deno.test("gateway() lists its models and answers /health without a key", async () => {
  const { handler } = chain([["Hi"]], { authorize: bearerKeys(KEY) });
  const get = async (path: string, headers = {}) => {
    const request = new Request(`http://localhost${path}`, { headers });
    const response = await handler(request);
    return [response.status, await response.json()];
  };
  assertEquals(await get("/health"), [200, { status: "ok" }]);
  assertEquals((await get("/v1/models"))[0], 401);
  const [status, { data }] = await get("/v1/models", bearer(KEY));
  assertEquals([status, data[0].id, data[0].object], [200, "chat", "model"]);
  assertEquals((await get("/models/chat", bearer(KEY)))[0], 200);
  assertEquals((await get("/v1/models/toString", bearer(KEY)))[0], 404);
});

Deno.test("gateway() passes on the fields of the chat-completions reference, and no others", async () => {
  const { handler, providers } = chain([["Hi"]], { allowFields: ["top_k"] });
  const passed = { temperature: 0, seed: 7, stop: null, top_k: 3, n: 1 };
  const dropped = {
    user: "u",
    store: true,
    metadata: {},
    service_tier: "flex",
  };
  const request = chatRequest({ ...passed, ...dropped, stream: true });
  request.headers.set("x-evil", "1");
  await (await handler(request)).text();
  const [call] = providers[0]!.calls;
  const { stream_options: _, ...body } = call!.body as Record<string, unknown>;
  assertEquals(body, { messages, ...passed, model: "model-0", stream: true });
  assertEquals(call!.headers.get("x-evil"), null);
});

Deno.test("gateway() limits the tokens of all choices together", async () => {
  const cases: [object, object][] = [
    [{}, { max_tokens: 100 }],
    [{ n: 3 }, { max_tokens: 33 }],
    [{ max_tokens: 50 }, { max_tokens: 50 }],
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
  assertEquals((await handler(chatRequest({ n: 101 }))).status, 400);
});

Deno.test("gateway() accepts only true or an id from 'authorize'", async () => {
  const results: [unknown, number][] = [
    [true, 200],
    [{ id: "alice" }, 200],
    [Promise.resolve(true), 200],
    [false, 401],
    [undefined, 401],
    ["true", 401],
    [1, 401],
    [{}, 401],
    [{ id: 7 }, 401],
  ];
  for (const [result, status] of results) {
    const { handler } = chain([["Hi"]], { authorize: () => result as boolean });
    assertEquals((await handler(chatRequest())).status, status);
  }
  const failure = new Error("database down");
  const errors: unknown[] = [];
  const { handler } = chain([["Hi"]], {
    authorize: () => Promise.reject(failure),
    onCall: ({ error }) => void errors.push(error),
  });
  assertEquals((await handler(chatRequest())).status, 500);
  assertEquals(errors, [failure]);
});

Deno.test("gateway() responds 408 when the body is slow", async () => {
  const { handler } = chain([["Hi"]], { bodyTimeoutMs: 1 });
  let isCanceled = false;
  const body = new ReadableStream({ cancel: () => void (isCanceled = true) });
  const response = await handler(chatRequest({}, { body }));
  assertEquals([response.status, isCanceled], [408, true]);
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

Deno.test("bearerKeys() throws for missing, empty and short keys, without showing them", () => {
  const wrong = [undefined, "", " ", [], [""], "short-secret", `${KEY},`, [
    KEY,
    "short-secret",
  ]];
  for (const keys of wrong) {
    const error = assertThrows(() => bearerKeys(keys), TypeError);
    assert(!error.message.includes("short-secret"));
  }
});

Deno.test("bearerKeys() compares with every key and names the client by a digest", async () => {
  const authorize = bearerKeys([` ${KEY} `, "another-key-0123456789"]);
  const ask = (authorization: string) =>
    authorize(new Request("http://localhost", { headers: { authorization } }));
  const first = await ask(`Bearer ${KEY}`);
  const second = await ask("bearer another-key-0123456789");
  assert(first && second && first.id !== second.id);
  assert(/^[0-9a-f]{8}$/.test(first.id));
  for (const wrong of [KEY, `Basic ${KEY}`, `Bearer ${KEY}x`, "Bearer"]) {
    assertEquals(await ask(wrong), false);
  }
});

Deno.test("gateway() throws with the name of an invalid option", () => {
  const models = { chat: [() => []] };
  const wrong: [object, string][] = [
    [{ models }, "options.authorize"],
    [{ models: {}, authorize: "anyone" }, "options.models"],
    [{ models: { a: [] }, authorize: "anyone" }, 'options.models["a"]'],
    [{ models, authorize: "anyone", maxToken: 1 }, "options.maxToken"],
    [{ models, authorize: "anyone", maxTokens: 0 }, "options.maxTokens"],
    [{ models, authorize: "anyone", fallback: { retries: 1 } }, "retries"],
    [
      { models, authorize: "anyone", allowFields: ["stream"] },
      "options.allowFields",
    ],
  ];
  for (const [options, text] of wrong) {
    const error = assertThrows(() => gateway(options as never), Error);
    assert(error.message.includes(text), error.message);
  }
});
