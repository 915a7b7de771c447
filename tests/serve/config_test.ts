// Reading a configuration from a file and from the environment.

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { stub } from "@std/testing/mock";
import { AllModelsFailedError, fallbackStream } from "@fallback/stream";
import type { OpenAIModel } from "@fallback/stream/openai";
import { serve, type ServeConfig } from "@fallback/stream/serve";
import { configFromEnv } from "../../src/serve/_env_config.ts";
import { isLoopback, loopbackOnly } from "../../src/serve/_loopback.ts";
import { PROVIDERS } from "../../src/serve/_providers.ts";
import {
  resolveConfig,
  type ResolvedConfig,
} from "../../src/serve/_resolve_config.ts";
import { stubServe } from "./_stub_serve.ts";

const URL_HERE = "http://localhost/";
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
const providers = Object.keys(PROVIDERS).join(", ");
const notOne = "must be a string that is not empty: it is of type";
const notVariable =
  "must be '$NAME' for an environment variable: write '$$' for a literal '$'";

/** The messages for invalid values of fields at the top. */
const wrongFields: [object, string][] = [
  [
    { model: 1 },
    "'model' is not a field: known fields are keys, models, fallback, health, maxTokens, port, host",
  ],
  [{ models: null }, "'models' must be an object: current value is null"],
  [{ models: {} }, "'models' must not be empty"],
  ...[[], {}].map((chat): [object, string] => [
    { models: { chat } },
    `'models.chat' must be a list of models that is not empty: current value is ${
      JSON.stringify(chat)
    }`,
  ]),
  [
    { models: { chat: ["gpt-4o"] } },
    "'models.chat[0]' must be an object: current value is \"gpt-4o\"",
  ],
  [
    { keys: [] },
    "'keys' must be a list of strings that is not empty: it is empty",
  ],
  [
    { keys: SECRET },
    "'keys' must be a list of strings that is not empty: it is of type string",
  ],
  [{ keys: [7] }, `'keys[0]' ${notOne} number`],
  [
    { keys: ["short-1"] },
    "'keys[0]' must have at least 16 characters: it has 7",
  ],
  [
    { keys: ["$KEYS", "$SHORT"] },
    "'keys[1]' must have at least 16 characters: it has 7",
  ],
  [{ keys: ["${KEYS}"] }, `'keys[0]' ${notVariable}`],
  [{ keys: ["$KEYS "] }, `'keys[0]' ${notVariable}`],
  [{ keys: ["a key with spaces"] }, "'keys[0]' must not contain white space"],
  ...[-1, 65_536, 1.5, "80"].map((port): [object, string] => [
    { port },
    `'port' must be a number from 0 to 65535: current value is ${
      JSON.stringify(port)
    }`,
  ]),
  ...["", 7].map((host): [object, string] => [
    { host },
    `'host' must be a host name or an IP address: current value is ${
      JSON.stringify(host)
    }`,
  ]),
  [
    { health: "yes" },
    "'health' must be true or false: current value is \"yes\"",
  ],
  [{ fallback: 5 }, "'fallback' must be an object: current value is 5"],
  [
    { fallback: { timeout: {} } },
    "'fallback.timeout' is not a field: known fields are timeouts, retry, hedge",
  ],
];

/** What follows `models.chat[0]` in the messages for invalid fields of a model. */
const wrongModels: [object, string][] = [
  [
    { modle: "x" },
    "'.modle' is not a field: known fields are provider, model, apiKey, baseURL, name, headers, continuation",
  ],
  ...["unknown", "toString", 7].map((provider): [object, string] => [
    { provider },
    `'.provider' must be one of ${providers}, or left out beside a baseURL: current value is ${
      JSON.stringify(provider)
    }`,
  ]),
  [{ provider: undefined }, "'' must have a 'provider' or a 'baseURL'"],
  [
    { model: "" },
    ": 'model' must be a string that is not empty: current value is \"\"",
  ],
  [
    { apiKey: "$NONE" },
    "'.apiKey' needs the environment variable NONE, which is not set",
  ],
  [
    { apiKey: "$EMPTY" },
    "'.apiKey' needs the environment variable EMPTY, which is empty",
  ],
  [{ apiKey: 7 }, `'.apiKey' ${notOne} number`],
  [{ apiKey: "" }, `'.apiKey' ${notOne} string`],
  [{ headers: 5 }, "'.headers' must be an object: current value is 5"],
  [
    { headers: { "x-a": "$NONE" } },
    "'.headers.x-a' needs the environment variable NONE, which is not set",
  ],
  [{ headers: { "x a": SECRET } }, "'.headers.x a' must be a valid header"],
];

Deno.test("resolveConfig() throws with the path of an invalid option, and shows no secret", () => {
  const cases: [unknown, string][] = [
    ...[undefined, null, []].map((value): [unknown, string] => [
      value,
      `'the configuration' must be an object: current value is ${
        Deno.inspect(value)
      }`,
    ]),
    ...wrongFields.map(([fields, message]): [unknown, string] => [
      config(fields),
      message,
    ]),
    ...wrongModels.map(([fields, message]): [unknown, string] => [
      config({}, fields),
      message.replace(/^'?/, "$&models.chat[0]"),
    ]),
  ];
  for (const [value, expected] of cases) {
    const { message } = assertThrows(
      () => resolveConfig(value, env),
      TypeError,
    );
    assertEquals(message, expected);
  }
});

Deno.test("resolveConfig() fills in what is left out, and keeps what is given", () => {
  assertEquals(shown(resolveConfig(config(), env)), {
    models: { chat: [["gpt-4o", "gpt-4o", "openai", "prefill"]] },
    authorize: "anyone",
    fallback: {},
    hasKeys: false,
    host: "127.0.0.1",
    port: 8787,
  });
  const fallback = {
    timeouts: { idleMs: 1 },
    retry: { maxAttempts: 2 },
    hedge: { afterMs: 3 },
  };
  for (const port of [0, 65_535]) {
    const given = { host: "::1", port, maxTokens: 4, fallback };
    const { fallback: { health, ...rest }, ...resolved } = shown(
      resolveConfig(
        config({ ...given, health: true }, {
          provider: "groq",
          name: "groq-4o",
          continuation: "ask",
        }),
        env,
      ),
    );
    assertEquals({ ...resolved, fallback: rest }, {
      ...given,
      models: { chat: [["groq-4o", "gpt-4o", "api.groq.com", "ask"]] },
      authorize: "anyone",
      hasKeys: false,
    });
    assertEquals(typeof health!.admit, "function");
  }
});

/** A resolved configuration, with models by what their options decide. */
function shown({ options, ...rest }: ResolvedConfig) {
  const { models, fallback = {}, ...others } = options;
  const chains = Object.entries(models).map(([name, chain]) => [
    name,
    (chain as OpenAIModel[]).map((
      { name, modelId, provider, continuation },
    ) => [name, modelId, provider, continuation]),
  ]);
  return { models: Object.fromEntries(chains), fallback, ...others, ...rest };
}

Deno.test("resolveConfig() replaces only strings that are exactly a variable", async () => {
  const { options, hasKeys } = resolveConfig(
    config({ keys: ["$KEYS", `${SECRET}3,b`] }, {
      apiKey: "$KEY",
      headers: { "x-a": "$KEY", "x-b": "$$KEY", "x-c": "a $KEY" },
      model: "$KEY",
    }),
    env,
  );
  assertEquals(hasKeys, true);
  assert(typeof options.authorize === "function");
  const admitted: string[] = [];
  for (const end of ["", "1", "2", "3", "3,b"]) {
    const authorization = `Bearer ${SECRET}${end}`;
    const request = new Request(URL_HERE, { headers: { authorization } });
    if (await options.authorize(request)) admitted.push(end);
  }
  assertEquals(admitted, ["1", "2", "3,b"]);

  using fetch = stub(
    globalThis,
    "fetch",
    () => Promise.resolve(new Response(null, { status: 500 })),
  );
  const models = options.models.chat as OpenAIModel[];
  await assertRejects(() => fallbackStream(models, { messages: [] }));
  const [url, init] = fetch.calls[0]!.args;
  assertEquals(url, "https://api.openai.com/v1/chat/completions");
  assertEquals(JSON.parse(init!.body as string).model, "$KEY");
  const headers = new Headers(init!.headers);
  assertEquals(
    ["authorization", "x-a", "x-b", "x-c"].map((name) => headers.get(name)),
    [`Bearer ${SECRET}`, SECRET, "$KEY", "a $KEY"],
  );
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
  const models = options.models.chat as OpenAIModel[];
  const error = await assertRejects(
    () => fallbackStream(models, { messages: [] }),
    AllModelsFailedError,
  );
  assert(error.message.endsWith("400 *** of chat-team"), error.message);
});

Deno.test("configFromEnv() creates a chain of the keys that are set, and throws with the names it read if none is", () => {
  const keys: Record<string, string> = {
    GROQ_API_KEY: "a",
    OPENAI_API_KEY: "b",
    XAI_API_KEY: " ",
  };
  const expected: ServeConfig = {
    models: {
      chat: [
        { provider: "openai", model: "gpt-4o-mini", apiKey: "$OPENAI_API_KEY" },
        {
          provider: "groq",
          model: "llama-3.3-70b-versatile",
          apiKey: "$GROQ_API_KEY",
        },
      ],
    },
    fallback: { timeouts: { firstContentMs: 15_000, idleMs: 30_000 } },
    health: true,
  };
  assertEquals(configFromEnv((name) => keys[name]), expected);
  keys.GATEWAY_KEYS = SECRET;
  assertEquals(configFromEnv((name) => keys[name]), {
    ...expected,
    keys: ["$GATEWAY_KEYS"],
  });
  const names = Object.values(PROVIDERS).flatMap(({ keyName = [] }) => keyName);
  const { message } = assertThrows(
    () => configFromEnv(() => undefined),
    TypeError,
  );
  assertEquals(
    message,
    `There is no model: give a configuration file, set one of ${
      names.join(", ")
    }, or use --demo`,
  );
});

/** Options, fields beside the models, and the message that they make. */
const notServed: [object, object, string][] = [
  [
    {},
    { host: "0.0.0.0" },
    "'host' must be this machine's own unless there are access keys ('keys'): current value is \"0.0.0.0\"",
  ],
  [
    {},
    { fallback: { timeouts: { idleMs: -1 } } },
    "'fallback.timeouts.idleMs' must be a number from 0 to 2147483647: current value is -1",
  ],
  [
    {},
    { maxTokens: 0 },
    "'maxTokens' must be a positive integer: current value is 0",
  ],
  [
    { sginal: 1 },
    {},
    "'options.sginal' is not an option: known options are 'signal', 'write'",
  ],
  [
    { signal: 1 },
    {},
    "'options.signal' must be an AbortSignal: current value is 1",
  ],
];

Deno.test("serve() rejects with the name of an invalid option, as in the file", async () => {
  for (const [options, fields, message] of notServed) {
    const error = await assertRejects(
      () => serve({ ...config(fields), port: 0 }, options),
      TypeError,
    );
    assertEquals(error.message, message);
  }
});

Deno.test("serve() rejects when it cannot listen", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await assertRejects(
    () => serve({ ...config(), port: taken.addr.port }),
    Deno.errors.AddrInUse,
  );
});

Deno.test("serve() listens at 'host' and 'port', and resolves with the address", async () => {
  const { signal } = new AbortController();
  const finished = Promise.resolve();
  using serving = stubServe(() => finished);
  const keys = [SECRET];
  const places: [object, string][] = [
    [{}, "http://127.0.0.1:8787"],
    [{ host: "::1", port: 1 }, "http://[::1]:1"],
    [{ host: "0.0.0.0", keys }, "http://0.0.0.0:8787"],
  ];
  for (const [fields, url] of places) {
    const server = await serve(config(fields), { signal });
    assertEquals(server.url, url);
    assertStrictEquals(server.finished, finished);
    const [options, handler] = serving.calls.at(-1)!;
    assertStrictEquals(options.signal, signal);
    // A key admits a request from anywhere.
    const foreign = new Request("http://evil.example/v1/models", {
      headers: { host: "evil.example", authorization: `Bearer ${SECRET}` },
    });
    const { status } = await handler(foreign);
    assertEquals(status, "keys" in fields ? 200 : 403);
  }
});

Deno.test("isLoopback() is true only for names and addresses of this machine", () => {
  const own = [
    ...["localhost", "LocalHost", "a.localhost", "::1", "[::1]"],
    ...["127.0.0.1", "127.255.255.255"],
  ];
  const foreign = [
    ...["", "local", "notlocalhost", ".localhost.example", "localhost.example"],
    ...["::2", "::", "0.0.0.0", "1127.0.0.1", "127.0.0.1.example", "128.0.0.1"],
  ];
  assertEquals([...own, ...foreign].filter(isLoopback), own);
});

Deno.test("loopbackOnly() accepts only requests for its own host and origin", async () => {
  const handler = loopbackOnly(() => Promise.resolve(new Response()));
  const respond = (host?: string, origin?: string) =>
    handler(
      new Request(URL_HERE, {
        headers: { ...(host && { host }), ...(origin && { origin }) },
      }),
    );
  const cases: [number, host?: string, origin?: string][] = [
    [200, "127.0.0.1:80"],
    [200, "localhost:80"],
    [200, "[::1]:80", "http://[::1]:80"],
    [200, "127.0.0.1:81", "http://127.0.0.1:81"],
    [403],
    [403, ":"],
    [403, "evil.example"],
    [403, "evil.example", "http://evil.example"],
    [403, "127.0.0.1.evil.example:80"],
    [403, "127.0.0.1:81", "http://127.0.0.1:82"],
    [403, "127.0.0.1", "http://evil.example"],
    [403, "127.0.0.1", "null"],
  ];
  for (const [status, host, origin] of cases) {
    assertEquals((await respond(host, origin)).status, status, host);
  }
  const refused = await respond("evil.example");
  assertMatch(refused.headers.get("x-request-id")!, /^[\da-f-]{36}$/);
  assertEquals(await refused.json(), {
    error: {
      message:
        "Without access keys, the gateway answers only programs on this machine.",
      type: "invalid_request_error",
      code: "forbidden",
      param: null,
    },
  });
});

Deno.test("serve() listens until its signal aborts", async () => {
  const stop = new AbortController();
  const { url, finished } = await serve(
    { ...config(), port: 0 },
    { signal: stop.signal, write: () => {} },
  );
  const response = await fetch(`${url}/v1/models`);
  assertEquals(response.status, 200);
  await response.body!.cancel();
  stop.abort();
  await finished;
});
