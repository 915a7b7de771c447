import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type ChatRequest,
  openaiModel,
  type OpenAIModelOptions,
} from "@fallback/stream/openai";
import { fakeProvider } from "@fallback/stream/testing";
import { createAttempt } from "../_test_attempt.ts";
import { collect, HttpAttempt, KEY, read, REQUEST } from "./_http_attempt.ts";

const model = openaiModel({ model: "fake" });

Deno.test("openaiModel() posts the request's fields to /chat/completions", async () => {
  await using httpAttempt = new HttpAttempt(["Hi"]);

  await collect(
    await httpAttempt.open({ ...REQUEST, temperature: 0.2, model: "other" }),
  );

  const { url, headers, body } = httpAttempt.call;
  assert(url.endsWith("/v1/chat/completions"), url);
  assertEquals(headers.get("authorization"), `Bearer ${KEY}`);
  assertEquals(headers.get("content-type"), "application/json");
  assertEquals(headers.get("accept"), "text/event-stream, application/json");
  assertEquals(body, {
    ...REQUEST,
    temperature: 0.2,
    model: "fake",
    stream: true,
    stream_options: { include_usage: true },
  });
});

Deno.test("openaiModel() sends no authorization without a key", async () => {
  await using httpAttempt = new HttpAttempt(["Hi"], { apiKey: undefined });

  await httpAttempt.chunks();

  assertEquals(httpAttempt.call.headers.get("authorization"), null);
});

Deno.test("openaiModel() trims the key", async () => {
  await using httpAttempt = new HttpAttempt(["Hi"], {
    apiKey: `\n ${KEY}\r\n`,
  });

  await httpAttempt.chunks();

  assertEquals(httpAttempt.call.headers.get("authorization"), `Bearer ${KEY}`);
});

Deno.test("openaiModel() lets the caller's headers override its own", async () => {
  await using httpAttempt = new HttpAttempt(["Hi"], {
    headers: { Authorization: "Basic abc", "x-team": "red" },
  });

  await httpAttempt.chunks();

  assertEquals(httpAttempt.call.headers.get("authorization"), "Basic abc");
  assertEquals(httpAttempt.call.headers.get("x-team"), "red");
});

Deno.test("openaiModel() appends its path to any baseURL", async () => {
  const bases = {
    "https://host": "https://host/chat/completions",
    "https://host/": "https://host/chat/completions",
    "https://host/v1//": "https://host/v1/chat/completions",
    "https://host/v1/chat/completions": "https://host/v1/chat/completions",
    "https://host/v1#top": "https://host/v1/chat/completions",
    "http://host:8080/a/v1?api-version=2": //
      "http://host:8080/a/v1/chat/completions?api-version=2",
  };
  for (const [baseURL, expected] of Object.entries(bases)) {
    const provider = fakeProvider(["Hi"]);
    await read([], { baseURL, fetch: provider.fetch });
    assertEquals(provider.calls[0]?.url, expected);
  }
});

Deno.test("openaiModel() calls fetch as a plain function", async () => {
  const { fetch } = fakeProvider(["Hi"]);
  const seen: unknown[] = [];

  await read([], {
    fetch(this: unknown, url, init) {
      seen.push(this);
      return fetch(url, init);
    },
  });

  assertEquals(seen, [undefined]);
});

Deno.test("openaiModel() has the model as its name, and the host as its provider", () => {
  assertEquals(openaiModel({ model: "gpt" }).name, "gpt");
  assertEquals(openaiModel({ model: "gpt", name: "a" }).name, "a");
  const providers: [baseURL: string | undefined, provider: string][] = [
    [undefined, "openai"],
    ["https://api.openai.com:8443/v1", "openai"],
    ["https://api.groq.com/v1", "api.groq.com"],
    ["https://host:8443/v1", "host:8443"],
    ["http://host/v1", "host:80"],
    ["http://host:443/v1", "host"],
  ];
  for (const [baseURL, provider] of providers) {
    assertEquals(openaiModel({ model: "m", baseURL }).provider, provider);
  }
});

Deno.test("openaiModel() accepts messages of the caller's types", async () => {
  interface OwnMessage {
    role: "user" | "assistant";
    content: string;
  }
  const own: OwnMessage[] = [{ role: "user", content: "Hi" }];
  const requests: ChatRequest[] = [
    { messages: own, temperature: 1 },
    { messages: [{ role: "user", content: "Hi", cache_control: {} }] },
    { messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }] },
  ];
  for (const request of requests) {
    await using httpAttempt = new HttpAttempt(["Hi"]);
    await collect(await httpAttempt.open(request));
    assertEquals(
      httpAttempt.call.body,
      {
        ...request,
        model: "fake",
        stream: true,
        stream_options: { include_usage: true },
      },
    );
  }
});

Deno.test("openaiModel() throws with name and value of an invalid option", () => {
  const text = "must be a string that is not empty: current value is";
  const known = "known options are 'model', 'baseURL', 'apiKey', 'headers', " +
    "'fetch', 'name', 'maxEventBytes', 'streamOptions', 'continuation'";
  const wrong: [unknown, string][] = [
    [undefined, "'options' must be an object: current value is undefined"],
    [
      { model: "m", api_key: "k" },
      `'options.api_key' is not an option: ${known}`,
    ],
    [
      { model: "m", baseUrl: "https://h" },
      "'options.baseUrl' is not an option: did you mean 'baseURL'?",
    ],
    [{}, `'options.model' ${text} undefined`],
    [{ model: " " }, `'options.model' ${text} " "`],
    [{ model: 5 }, `'options.model' ${text} 5`],
    [{ model: ["m"] }, `'options.model' ${text} ["m"]`],
    [{ model: "m", name: "" }, `'options.name' ${text} ""`],
    [{ model: "m", baseURL: "" }, `'options.baseURL' ${text} ""`],
    [{ model: "m", baseURL: 5 }, `'options.baseURL' ${text} 5`],
    [
      { model: "m", baseURL: ["x"] },
      `'options.baseURL' ${text} of type object`,
    ],
    [{ model: "m", apiKey: "" }, `'options.apiKey' ${text} of type string`],
    [{ model: "m", apiKey: 7 }, `'options.apiKey' ${text} of type number`],
    [
      { model: "m", apiKey: "https://h/v1" },
      "'options.apiKey' must be a key: current value is a URL (are 'apiKey' and 'baseURL' swapped?)",
    ],
    [
      { model: "m", apiKey: "a\nb" },
      "'options.apiKey' must hold only characters that a header can carry",
    ],
    [
      { model: "m", fetch: "f" },
      `'options.fetch' must be a function: current value is "f"`,
    ],
    [
      { model: "m", headers: "h" },
      "'options.headers' must be header names with values: current value is of type string",
    ],
    [
      { model: "m", headers: { "x-team": "red", "x-key": `${KEY}\n\n1` } },
      "'options.headers' must be header names with values: the value of 'x-key' has characters that a header cannot carry",
    ],
    [
      { model: "m", headers: { [`${KEY} `]: "x-key" } },
      "'options.headers' must be header names with values: a name has characters that a header cannot carry",
    ],
    [
      { model: "m", maxEventBytes: "1" },
      `'options.maxEventBytes' must be a positive integer: current value is "1"`,
    ],
    [
      { model: "m", streamOptions: {} },
      "'options.streamOptions' must be a boolean: current value is {}",
    ],
    [
      { model: "m", continuation: "go" },
      `'options.continuation' must be "prefill" or "ask": current value is "go"`,
    ],
  ];
  for (const [options, message] of wrong) {
    const error = assertThrows(
      () => openaiModel(options as OpenAIModelOptions),
      TypeError,
    );
    assertEquals(error.message, message);
  }
  assertThrows(
    () => openaiModel({ model: "m", maxEventBytes: 0 }),
    RangeError,
    "'options.maxEventBytes' must be a positive integer: current value is 0",
  );
});

Deno.test("openaiModel() explains what is wrong with a baseURL", () => {
  const noURL = "must be an http or https URL";
  const swapped =
    `${noURL}: current value looks like a key (are 'apiKey' and 'baseURL' swapped?)`;
  const host = "h".repeat(28);
  const problems: [baseURL: string, problem: string][] = [
    ["api.groq.com", `${noURL}: did you mean "https://api.groq.com"?`],
    [
      "api.groq.com/openai/v1",
      `${noURL}: did you mean "https://api.groq.com/openai/v1"?`,
    ],
    [
      "localhost:11434/v1",
      `${noURL}: did you mean "http://localhost:11434/v1"?`,
    ],
    [
      "127.0.0.1:8000/v1",
      `${noURL}: did you mean "http://127.0.0.1:8000/v1"?`,
    ],
    ["//host/v1", `${noURL}: did you mean "https://host/v1"?`],
    ["http://", `${noURL}: its scheme is "http"`],
    ["host/v1?key=SECRET", noURL],
    ["ftp://host", `${noURL}: its scheme is "ftp"`],
    ["htp://host/v1?key=SECRET", `${noURL}: its scheme is "htp"`],
    ["sk-proj-abc", swapped],
    ["gsk_abcdefghijklmnop", swapped],
    ["abcdefghijklmnop", swapped],
    [`${host}.SECRET`, swapped],
    ["https://user:SECRET@host", "must not hold a password"],
    ["https://SECRET@host", "must not hold a password"],
    ["https://:SECRET@host", "must not hold a password"],
  ];
  for (const [baseURL, problem] of problems) {
    const { message } = assertThrows(
      () => openaiModel({ model: "m", baseURL }),
      TypeError,
    );
    assertEquals(message, `'options.baseURL' ${problem}`);
  }
});

Deno.test("openaiModel() throws for a request without messages", async () => {
  await using attempt = createAttempt();
  const request = { messages: "Hi" } as unknown as ChatRequest;

  await assertRejects(
    async () => await model.stream(request, attempt.context),
    TypeError,
    `'request.messages' must be an array: current value is "Hi"`,
  );
});

Deno.test("openaiModel() shows no key in errors or in the inspected model", () => {
  const plain = KEY.replace("/", "");
  const shown = [
    Deno.inspect(
      openaiModel({ model: "m", apiKey: KEY, headers: { "api-key": KEY } }),
      { depth: 9, showHidden: true, getters: true },
    ),
  ];
  for (
    const options of [
      { model: "m", apiKey: `${KEY}\u0000` },
      { model: "m", apiKey: [KEY] as unknown as string },
      { model: "m", headers: { "api-key": `${KEY}\u0000` } },
      { model: "m", baseURL: `https://user:${KEY}@host` },
      { model: "m", baseURL: `https://${plain}@host` },
      { model: "m", baseURL: `user:${plain}@host/v1` },
      { model: "m", baseURL: `host/v1?key=${plain}` },
      { model: "m", baseURL: KEY },
      { model: "m", baseURL: plain },
    ]
  ) {
    const error = assertThrows(() => openaiModel(options), TypeError);
    shown.push(Deno.inspect(error, { depth: 9, showHidden: true }));
  }
  for (const text of shown) {
    assert(!text.includes(KEY) && !text.includes(plain), text);
  }
});

Deno.test("openaiModel() sends a key of Azure as api-key, and a token as authorization", async () => {
  const baseURL = "https://r.openai.azure.com/openai/deployments/d" +
    "?api-version=2024-10-21";
  for (
    const [apiKey, name] of [["0123abcd", "api-key"], ["eyJx", "authorization"]]
  ) {
    const { calls, fetch } = fakeProvider(["Hi"]);
    await read([], { baseURL, fetch, apiKey });
    const [call] = calls;
    assertEquals(
      call?.url,
      "https://r.openai.azure.com/openai/deployments/d/chat/completions" +
        "?api-version=2024-10-21",
    );
    assertEquals(call?.headers.has("api-key"), name === "api-key");
    assertEquals(call?.headers.has("authorization"), name !== "api-key");
  }
});

Deno.test("openaiModel() calls a headers function for each request", async () => {
  const { calls, fetch } = fakeProvider(["Hi"]);
  let count = 0;
  const model = openaiModel({
    model: "m",
    fetch,
    headers: () => Promise.resolve({ authorization: `Bearer t${++count}` }),
  });
  for (const _ of [1, 2]) {
    await using attempt = createAttempt();
    await model.stream(REQUEST, attempt.context);
  }

  assertEquals(calls.map(({ headers }) => headers.get("authorization")), [
    "Bearer t1",
    "Bearer t2",
  ]);
});

Deno.test("openaiModel() fails the attempt if a headers function throws or returns invalid headers", async () => {
  const reason = new Error("no token");
  for (
    const [headers, expected] of [
      [() => Promise.reject(reason), "no token"],
      [
        () => "nonsense",
        "'options.headers' must be header names with values: current value is of type string",
      ],
    ] as const
  ) {
    await using attempt = createAttempt();
    const model = openaiModel({
      model: "m",
      headers: headers as unknown as () => HeadersInit,
    });
    await assertRejects(
      async () => await model.stream(REQUEST, attempt.context),
      Error,
      expected,
    );
  }
});
