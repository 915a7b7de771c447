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

  assertEquals(roles(bodies()[0]!), ["user", "assistant", "user"]);
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

for (const status of [301, 302, 303, 307, 308]) {
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
  const model = openaiModel({
    model: "m",
    fetch: () => Promise.resolve(hidden),
  });

  const error = await assertRejects(() =>
    fallbackStream([model], REQUEST, { fallbackOn: () => false })
  );

  assertInstanceOf(error, HttpError);
  assertEquals(error.status, 0);
  assertEquals(error.message, "0 the server redirects, which is not followed");
});

// Connections

Deno.test("openaiModel() passes on an error of fetch without a key", async () => {
  const reason = new RangeError("no more sockets");
  const model = openaiModel({
    model: "m",
    fetch: () => Promise.reject(reason),
  });

  const error = await assertRejects(() =>
    fallbackStream([model], REQUEST, { fallbackOn: () => false })
  );

  assertStrictEquals(error, reason);
});

Deno.test("openaiModel() shows no target of a redirect to an invalid URL", async () => {
  const headers = { location: "http://[SECRET" };
  const model = openaiModel({
    model: "m",
    fetch: () => Promise.resolve(new Response(null, { status: 302, headers })),
  });

  const error = await assertRejects(() =>
    fallbackStream([model], REQUEST, { fallbackOn: () => false })
  );

  assertInstanceOf(error, HttpError);
  assertEquals(error.headers.get("location"), null);
});
