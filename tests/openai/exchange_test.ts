import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { fallbackStream } from "@fallback/stream";
import {
  type ChatRequest,
  HttpError,
  openaiModel,
} from "@fallback/stream/openai";
import { fakeProvider, wire, type WireScript } from "@fallback/stream/testing";
import { createAttempt } from "../_test_attempt.ts";
import { REQUEST } from "./_http_attempt.ts";

type Body = {
  messages: { role: string; content: string }[];
  stream_options?: unknown;
};

/** A model with a fake provider that runs one script per request. */
function setUp(
  scripts: readonly WireScript[],
  options: Partial<Parameters<typeof openaiModel>[0]> = {},
) {
  const provider = fakeProvider({ scripts });
  const model = openaiModel({ model: "m", fetch: provider.fetch, ...options });
  return {
    model,
    bodies: () => provider.calls.map(({ body }) => body as Body),
    run: async (request: ChatRequest = REQUEST) => {
      await using stream = await fallbackStream([model], request);
      for await (const _ of stream);
      return stream.attempts;
    },
  };
}

const SECRET = "sk-0123456789";

/** The error of a call of a model with a key and this `fetch`. */
async function failureOf(
  fetch: () => Promise<Response>,
  baseURL?: string,
): Promise<unknown> {
  await using attempt = createAttempt();
  const model = openaiModel({ model: "m", apiKey: SECRET, baseURL, fetch });
  try {
    const stream = await model.stream(REQUEST, attempt.context);
    for await (const _ of stream);
  } catch (error) {
    return error;
  }
  throw new Error("It did not fail");
}

const errorScript = (status: number, message: string): WireScript => [
  wire.status(status, { body: { error: { message } } }),
];

const PREFILL = {
  messages: [
    { role: "user", content: "Continue" },
    { role: "assistant", content: "Once upon" },
  ],
};

const roles = ({ messages }: Body) => messages.map(({ role }) => role);

// stream_options

Deno.test("openaiModel() requests usage, unless the request sets stream_options", async () => {
  const { run, bodies } = setUp([["Hi"]]);
  await run();
  await run({ ...REQUEST, stream_options: { include_usage: false } });

  assertEquals(bodies().map((body) => body.stream_options), [
    { include_usage: true },
    { include_usage: false },
  ]);
});

Deno.test("openaiModel({ streamOptions: false }) never sends stream_options", async () => {
  const { run, bodies } = setUp([["Hi"]], { streamOptions: false });
  await run({ ...REQUEST, stream_options: { include_usage: true } });

  assert(!("stream_options" in bodies()[0]!));
});

for (const status of [400, 422]) {
  Deno.test(`openaiModel() retries without stream_options after a ${status} that names them, and remembers it`, async () => {
    const { run, bodies } = setUp([
      errorScript(status, "Unrecognized request argument: stream_options"),
      ["Hi"],
    ]);

    const attempts = await run();
    await run();

    assertEquals(attempts.map(({ outcome }) => outcome), ["completed"]);
    assertEquals(bodies().map((body) => "stream_options" in body), [
      true,
      false,
      false,
    ]);
  });
}

Deno.test("openaiModel() throws on a 400 that is not about stream_options", async () => {
  const { run, bodies } = setUp([errorScript(400, "bad temperature")]);

  await assertRejects(() => run(), Error, "400 bad temperature");

  assertEquals(bodies().length, 1);
});

for (const status of [401, 500]) {
  Deno.test(`openaiModel() does not retry after a ${status} that names stream_options`, async () => {
    const { run, bodies } = setUp([errorScript(status, "stream_options")]);

    await assertRejects(() => run(), Error, `${status} stream_options`);

    assertEquals(bodies().length, 1);
  });
}

Deno.test("openaiModel() sends no other form of a request that has been aborted", async () => {
  await using attempt = createAttempt();
  let requests = 0;
  const model = openaiModel({
    model: "m",
    fetch() {
      requests++;
      attempt.abort();
      return Promise.resolve(new Response("stream_options", { status: 400 }));
    },
  });

  await assertRejects(
    async () => await model.stream(REQUEST, attempt.context),
    HttpError,
  );

  assertEquals(requests, 1);
});

// Continuing

for (const status of [400, 422]) {
  Deno.test(`openaiModel() replaces a prefill by a user message after a ${status}, and remembers it`, async () => {
    const { run, bodies, model } = setUp([
      errorScript(
        status,
        "This model does not support assistant message prefill.",
      ),
      [" a time"],
    ]);
    assertEquals(model.continuation, "prefill");

    const attempts = await run(PREFILL);
    assertEquals(model.continuation, "ask");
    await run(PREFILL);

    assertEquals(attempts.map(({ outcome }) => outcome), ["completed"]);
    assertEquals(bodies().map(roles), [
      ["user", "assistant"],
      ["user", "assistant", "user"],
      ["user", "assistant", "user"],
    ]);
  });
}

Deno.test("openaiModel({ continuation: 'ask' }) never sends a prefill", async () => {
  const { run, bodies } = setUp([["Hi"]], { continuation: "ask" });
  await run(PREFILL);
  await run(REQUEST);

  assertEquals(bodies().map(roles), [["user", "assistant", "user"], ["user"]]);
});

Deno.test("openaiModel() throws when the server rejects the user message, too, and does not remember it", async () => {
  const { run, model, bodies } = setUp([
    errorScript(400, "no prefill"),
    errorScript(400, "bad temperature"),
  ]);

  await assertRejects(() => run(PREFILL), Error, "400 bad temperature");

  assertEquals(model.continuation, "prefill");
  assertEquals(bodies().length, 2);
});

Deno.test("openaiModel() does not take an assistant message with tool calls for a prefill", async () => {
  const { run, bodies } = setUp([errorScript(400, "no")]);
  const turn = { role: "assistant", content: "", tool_calls: [{ id: "1" }] };

  await assertRejects(() => run({ messages: [turn] }));

  assertEquals(bodies().length, 1);
});

Deno.test("openaiModel() can replace both stream_options and a prefill", async () => {
  const { run, bodies } = setUp([
    errorScript(400, "prefill is not supported"),
    errorScript(400, "unknown field stream_options"),
    ["Hi"],
  ]);

  assertEquals((await run(PREFILL)).length, 1);

  assertEquals(bodies().length, 3);
  assert(!("stream_options" in bodies()[2]!));
  assertEquals(roles(bodies()[2]!), ["user", "assistant", "user"]);
});

// Redirects

for (const status of [300, 301, 302, 303, 307, 308, 399]) {
  Deno.test(`openaiModel() does not follow a ${status}, and shows its target`, async () => {
    const redirected: string[] = [];
    await using otherServer = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () => {
        redirected.push("request");
        return new Response("no");
      },
    );
    const target = `http://127.0.0.1:${otherServer.addr.port}`;
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () =>
        new Response(null, {
          status,
          headers: { location: `${target}/v1?token=SECRET` },
        }),
    );
    const model = openaiModel({
      model: "m",
      baseURL: `http://127.0.0.1:${server.addr.port}/v1`,
      headers: { "api-key": "0123456789" },
    });

    const error = await assertRejects(() =>
      fallbackStream([model], REQUEST, { fallbackOn: () => false })
    );

    assertInstanceOf(error, HttpError);
    assertEquals(
      error.message,
      `${status} redirects to ${target}, which is not followed`,
    );
    assertEquals(error.status, status);
    assertEquals(error.headers.get("location"), target);
    assertEquals(redirected, []);
  });
}

Deno.test("openaiModel() throws HttpError when a browser hides a redirect", async () => {
  const hidden = Object.defineProperties(new Response(null), {
    type: { value: "opaqueredirect" },
    status: { value: 0 },
    ok: { value: false },
  });

  const error = await failureOf(() => Promise.resolve(hidden));

  assertInstanceOf(error, HttpError);
  assertEquals(error.status, 0);
  assertEquals(error.message, "0 the server redirects, which is not followed");
});

Deno.test("openaiModel() throws HttpError for a 304, which redirects nowhere", async () => {
  const response = new Response(null, {
    status: 304,
    statusText: "Not Modified",
    headers: { "x-request-id": "r1" },
  });

  const error = await failureOf(() => Promise.resolve(response));

  assertInstanceOf(error, HttpError);
  assertEquals(error.message, "304 Not Modified");
  assertEquals([...error.headers], [["x-request-id", "r1"]]);
});

Deno.test("openaiModel() closes the body of a redirect", async () => {
  let isClosed = false;
  const body = new ReadableStream({ cancel: () => void (isClosed = true) });

  await failureOf(() => Promise.resolve(new Response(body, { status: 302 })));

  assert(isClosed);
});

// Refusals

Deno.test("openaiModel() removes secrets in the query from errors, but not the version", async () => {
  const text = "No version 2024-10-21 for SECRET123";
  const error = await failureOf(
    () => Promise.resolve(new Response(text, { status: 404 })),
    "https://host/v1?API-Version=2024-10-21&key=SECRET123",
  );

  assertInstanceOf(error, HttpError);
  assertEquals(error.message, "404 No version 2024-10-21 for ***");
});

Deno.test("openaiModel() shows no content type where there is none, and an incomplete character", async () => {
  const error = await failureOf(() =>
    Promise.resolve(new Response(new Blob(["Sorry", Uint8Array.of(0xe2)])))
  );

  assertEquals(
    (error as Error).message,
    "Cannot read the answer as it is neither an event stream nor a chat completion: Sorry\ufffd",
  );
});

// Connections

/** A value within `depth` objects, one in the other. */
function nest(value: unknown, depth: number): unknown {
  return depth === 0 ? value : { cause: nest(value, depth - 1) };
}

Deno.test("openaiModel() passes on an error of fetch that shows nothing secret", async () => {
  const error: Error = Object.assign(new RangeError("no more sockets"), {
    retry: () => "https://example.com",
    details: [null, 7, { message: "no" }],
    tooDeep: nest(SECRET, 6),
    oneObject: Array(10_000).fill({}),
    bytes: new Uint8Array(2 ** 24),
  });
  const cyclic = Object.assign(error, { self: error });
  for (const reason of [cyclic, "no more sockets", undefined]) {
    assertStrictEquals(
      await failureOf(() => Promise.reject(reason)),
      reason,
    );
  }
});

Deno.test("openaiModel() replaces an error of fetch that shows an address or a secret", async () => {
  const address = "http://host/?key=1";
  const headers = { authorization: `Bearer ${SECRET}` };
  const holding = (fields: object) => Object.assign(new Error("no"), fields);
  const cases: [reason: unknown, message: string, code?: string][] = [
    [new TypeError("no"), "no"],
    [new TypeError(address), "the connection failed"],
    [new TypeError("x".repeat(200)), `${"x".repeat(159)}…`],
    [new TypeError(`error for url (${address}): reset`), "error: reset"],
    [address, "the connection failed"],
    [new Error(SECRET), "***"],
    [new Error(`no\n    at ${SECRET}`), "no at ***"],
    [new RangeError(`to ${address}`), "to"],
    [nest(SECRET, 6), "[object Object]"],
    [Object.create({ name: SECRET }), "[object Object]"],
    [holding({ request: new Request("http://h", { headers }) }), "no"],
    [holding({ headers: new Headers(headers) }), "no"],
    [holding({ sent: new Map([["a", new Set([SECRET])]]) }), "no"],
    [holding({ [Symbol("key")]: SECRET }), "no"],
    [holding({ [SECRET]: true }), "no"],
    [holding({ url: new URL("http://h/?key=1") }), "no"],
    [holding({ many: Array.from({ length: 2000 }, () => ({})) }), "no"],
    [holding({ long: Array(10_001).fill(0) }), "no"],
    [holding({ long: new Set(Array(10_001).keys()) }), "no"],
    [Object.create({ message: SECRET }), "***"],
    [
      Object.assign(new Error("no"), { stack: `E: ${SECRET}\n    at x` }),
      "no",
    ],
    [
      Object.assign(new TypeError("no"), { code: "ECONNREFUSED" }),
      "no",
      "ECONNREFUSED",
    ],
    [
      new TypeError("no", {
        cause: Object.assign(new Error("reset"), { code: "ECONNRESET" }),
      }),
      "no: reset",
      "ECONNRESET",
    ],
    [Object.assign(new TypeError("no"), { code: "lower case" }), "no"],
    [Object.assign(new TypeError("no"), { code: ["EPIPE"] }), "no"],
  ];
  for (const [reason, message, code] of cases) {
    const error = await failureOf(() => Promise.reject(reason));
    assertInstanceOf(error, TypeError);
    assertEquals(error.message, message);
    assertEquals((error as { code?: string }).code, code);
  }
});

Deno.test("openaiModel() shows no target of a redirect to an invalid URL", async () => {
  const headers = { location: "http://[SECRET" };

  const error = await failureOf(() =>
    Promise.resolve(new Response(null, { status: 302, headers }))
  );

  assertInstanceOf(error, HttpError);
  assertEquals(error.headers.get("location"), null);
});

Deno.test("openaiModel() says what fetch has to resolve to when that is no Response", async () => {
  const values = [undefined, "Hi", { status: 200, ok: true }];
  for (const value of values) {
    const error = await failureOf(() => Promise.resolve(value as never));
    assertEquals(
      String(error),
      `TypeError: 'options.fetch' must resolve to a Response: current value is of type ${typeof value}`,
    );
  }
});
