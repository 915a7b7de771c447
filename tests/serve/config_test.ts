// Reading a configuration from a file and from the environment.

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  AllModelsFailedError,
  fallbackStream,
  type Model,
} from "@fallback/stream";
import type { ChatChunk, ChatRequest } from "@fallback/stream/openai";
import { serve, type ServeConfig } from "@fallback/stream/serve";
import { resolveConfig } from "../../src/serve/_resolve_config.ts";
import { configFromEnv } from "../../src/serve/_env_config.ts";

const SECRET = "sk-very-secret-0123456789";
const env = (name: string) =>
  ({
    KEY: SECRET,
    KEYS: `${SECRET}1, ${SECRET}2`,
    EMPTY: " ",
    SHORT: "short-1",
  })[
    name
  ];
const model = { provider: "openai", model: "gpt-4o" };
const config = (fields: object = {}, chain: object = {}) => ({
  models: { chat: [{ ...model, ...chain }] },
  ...fields,
});

const wrong: [unknown, string][] = [
  [undefined, "the configuration"],
  [[], "the configuration"],
  [{ models: {} }, "'models'"],
  [{ models: { chat: [] } }, "'models.chat'"],
  [config({ model: 1 }), "'model'"],
  [config({}, { modle: "x" }), "'models.chat[0].modle'"],
  [config({}, { provider: "unknown" }), "'models.chat[0].provider'"],
  [config({}, { provider: "toString" }), "'models.chat[0].provider'"],
  [config({}, { provider: undefined }), "'models.chat[0]'"],
  [config({}, { model: "" }), "models.chat[0]"],
  [config({}, { apiKey: "$NONE" }), "environment variable NONE"],
  [config({}, { apiKey: "$EMPTY" }), "environment variable EMPTY"],
  [config({}, { apiKey: 7 }), "'models.chat[0].apiKey'"],
  [config({}, { headers: { "x-a": "$NONE" } }), "'models.chat[0].headers.x-a'"],
  [config({}, { headers: { "x a": SECRET } }), "'models.chat[0].headers.x a'"],
  [config({ keys: [] }), "'keys'"],
  [config({ keys: ["short-1"] }), "'keys[0]'"],
  [config({ keys: [SECRET, "$SHORT"] }), "'keys[1]'"],
  [config({ keys: ["${KEYS}"] }), "'keys[0]' must be '$NAME'"],
  [config({ keys: ["$KEYS "] }), "'keys[0]' must be '$NAME'"],
  [config({ keys: ["a key with white space"] }), "'keys[0]' must not contain"],
  [config({ port: 70_000 }), "'port'"],
  [config({ health: "yes" }), "'health'"],
  [config({ fallback: { timeout: {} } }), "'fallback.timeout'"],
];

Deno.test("resolveConfig() throws with the path of an invalid option, and shows no secret", () => {
  for (const [value, place] of wrong) {
    let message = "";
    try {
      resolveConfig(value, env);
    } catch (error) {
      message = (error as Error).message;
    }
    assert(message.includes(place), `${place}: ${message}`);
    assert(!/sk-very|short-1/.test(message), message);
  }
});

Deno.test("resolveConfig() replaces only strings that are exactly a variable", async () => {
  const { options, hasKeys } = resolveConfig(
    config({ keys: ["$KEYS"] }, {
      apiKey: "$KEY",
      headers: { "x-a": "$KEY", "x-b": "$$KEY", "x-c": "a $KEY" },
      model: "$KEY",
    }),
    env,
  );
  assertEquals(hasKeys, true);
  assert(typeof options.authorize === "function");
  for (const [key, isAdmitted] of [[`${SECRET}2`, true], [SECRET, false]]) {
    const request = new Request("http://localhost", {
      headers: { authorization: `Bearer ${key}` },
    });
    assertEquals(Boolean(await options.authorize(request)), isAdmitted);
  }
  const [chat] = options.models.chat as unknown as { name: string }[];
  assertEquals(chat!.name, "$KEY");
});

Deno.test("resolveConfig() hides every value from the environment in errors, whatever the name of its header", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    ({ headers }) => {
      const message = `${headers.get("x-org")} of ${headers.get("x-team")}`;
      return Response.json({ error: { message } }, { status: 400 });
    },
  );
  const { options } = resolveConfig(
    config({}, {
      baseURL: `http://127.0.0.1:${server.addr.port}`,
      headers: { "x-org": "$KEY", "x-team": "chat-team" },
    }),
    env,
  );
  const models = options.models.chat as readonly Model<
    ChatRequest,
    ChatChunk
  >[];
  const error = await assertRejects(
    () => fallbackStream(models, { messages: [] }),
    AllModelsFailedError,
  );
  assert(error.message.endsWith("400 *** of chat-team"), error.message);
});

Deno.test("configFromEnv() creates a chain of the keys that are set, and throws with the names it read if none is", () => {
  const { models, keys } = configFromEnv((name) =>
    ({ GROQ_API_KEY: "a", OPENAI_API_KEY: "b", GATEWAY_KEYS: SECRET })[name]
  );
  assertEquals(models.chat!.map(({ provider }) => provider), [
    "openai",
    "groq",
  ]);
  assertEquals(keys, ["$GATEWAY_KEYS"]);
  let message = "";
  try {
    configFromEnv(() => undefined);
  } catch (error) {
    message = (error as Error).message;
  }
  assert(message.includes("OPENAI_API_KEY") && message.includes("--demo"));
});

Deno.test("serve() rejects a host beyond this machine without access keys", async () => {
  const open: ServeConfig = { ...config(), host: "0.0.0.0", port: 0 };
  await assertRejects(() => serve(open), TypeError, "'host'");
});

Deno.test("serve() rejects with the option's name as in the file when the gateway rejects it", async () => {
  await assertRejects(
    () => serve({ ...config(), fallback: { timeouts: { idleMs: -1 } } }),
    TypeError,
    "'fallback.timeouts.idleMs'",
  );
  await assertRejects(
    () => serve({ ...config(), maxTokens: 0 }),
    TypeError,
    "'maxTokens'",
  );
});

Deno.test("serve() without access keys accepts only requests for its own host and origin", async () => {
  const stop = new AbortController();
  const { url, finished } = await serve(
    { ...config(), port: 0 },
    { signal: stop.signal, write: () => {} },
  );
  const { port } = new URL(url);
  const status = async (host: string, origin?: string) => {
    await using stack = new AsyncDisposableStack();
    const connection = stack.use(
      await Deno.connect({ hostname: "127.0.0.1", port: Number(port) }),
    );
    const head = `GET /v1/models HTTP/1.1\r\nhost: ${host}\r\n${
      origin ? `origin: ${origin}\r\n` : ""
    }connection: close\r\n\r\n`;
    await connection.write(new TextEncoder().encode(head));
    const text = await new Response(connection.readable).text();
    return Number(text.slice(9, 12));
  };
  assertEquals(await status(`127.0.0.1:${port}`), 200);
  assertEquals(await status(`localhost:${port}`), 200);
  assertEquals(await status("evil.example"), 403);
  assertEquals(await status(`127.0.0.1.evil.example:${port}`), 403);
  const own = `127.0.0.1:${port}`;
  assertEquals(await status(own, `http://${own}`), 200);
  assertEquals(await status(own, "http://evil.example"), 403);
  assertEquals(await status(own, "null"), 403);
  stop.abort();
  await finished;
});
