import { assert, assertRejects, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { attemptsOf, fallbackStream, formatAttempts } from "@fallback/stream";
import { openaiModel, type OpenAIModelOptions } from "@fallback/stream/openai";

/** For a longer run set `SECRET_RUNS=20000`. */
const RUNS = Number(Deno.env.get("SECRET_RUNS") ?? 600);

const REQUEST = { messages: [{ role: "user", content: "Hi" }] };

// Encodings of a key

type Spell = (text: string) => string;

const each = (spell: (char: string, code: number) => string): Spell => (text) =>
  Array.from(text, (char) => spell(char, char.charCodeAt(0))).join("");

const hex = (code: number, digits: number): string =>
  code.toString(16).padStart(digits, "0");

const HTML_NAMES: Record<string, string> = {
  "=": "&equals;",
  "/": "&sol;",
  "+": "&plus;",
  "_": "&lowbar;",
  ".": "&period;",
};

/** Escapes that can be nested. */
const escapes: Record<string, Spell> = {
  "as it is": (text) => text,
  "JSON": each((char, code) => /\w/.test(char) ? char : `\\u${hex(code, 4)}`),
  "all in JSON": each((_, code) => `\\u${hex(code, 4).toUpperCase()}`),
  "a slash in JSON": (text) => text.replaceAll("/", "\\/"),
  "a URL": encodeURIComponent,
  "all in a URL": each((_, code) => `%${hex(code, 2)}`),
  "HTML": each((char, code) => /\w/.test(char) ? char : `&#${code};`),
  "HTML in hex": each((_, code) => `&#x${hex(code, 2)};`),
  "HTML names": each((char) => HTML_NAMES[char] ?? char),
  "octal": each((char, code) =>
    /\w/.test(char) ? char : `\\${code.toString(8).padStart(3, "0")}`
  ),
  "JavaScript": each((_, code) => `\\x${hex(code, 2)}`),
};

/** Encodings that are not escaped again. */
const encodings: Record<string, Spell> = {
  "base64": (text) => btoa(text),
  "base64 of a header": (text) => btoa(`Authorization: Bearer ${text}!`),
  "base64 for URLs": (text) =>
    btoa(`x${text}`).replaceAll("+", "-").replaceAll("/", "_").replace(
      /=+$/,
      "",
    ),
  "hex": each((_, code) => hex(code, 2)),
  "capitals": (text) => text.toUpperCase(),
  "two lines": (text) => `${text.slice(0, 7)}\n${text.slice(7)}`,
  "indented lines": (text) => `${text.slice(0, 5)}\r\n    ${text.slice(5)}`,
};

const spelling = fc.oneof(
  fc.tuple(
    fc.constantFrom(...Object.keys(escapes)),
    fc.constantFrom(...Object.keys(escapes)),
  ).map(([inner, outer]) => ({
    name: `${inner} in ${outer}`,
    spell: (text: string) => escapes[outer]!(escapes[inner]!(text)),
  })),
  fc.constantFrom(...Object.entries(encodings))
    .map(([name, spell]) => ({ name, spell })),
);

// Places where a server may put the key

interface Place {
  (echo: string): Response | Promise<Response>;
}

const respondWithError = (body: string, init: ResponseInit = {}): Response =>
  new Response(body, { status: 401, ...init });

const stream = (body: string, headers: HeadersInit = {}): Response =>
  new Response(body, { headers });

/** Puts the encoded key into a JSON text without escaping it again. */
const inJson = (echo: string): string =>
  `"${echo.replaceAll('"', "'").replace(/[\r\n]+/g, "\\n")}"`;

const oneLine = (echo: string): string => echo.replace(/[\r\n]+ */g, " ");

const places: Record<string, Place> = {
  "the message of an error body": (echo) =>
    respondWithError(`{"error":{"message":${inJson(`Wrong key ${echo}!`)}}}`),
  "all fields of an error body": (echo) =>
    respondWithError(
      `{"error":{"message":"no","type":${inJson(echo)},"code":${
        inJson(echo)
      },"param":{${inJson(echo)}:[${inJson(echo)}]}}}`,
    ),
  "an error body that encodes the key again": (echo) =>
    respondWithError(
      JSON.stringify({ error: { message: `Wrong key ${echo}` } }),
    ),
  "an error body as text": (echo) => respondWithError(`Wrong key ${echo}!`),
  "an error body as HTML": (echo) =>
    respondWithError(`<p>Wrong key ${echo}</p>`),
  "an error body as an event stream": (echo) =>
    respondWithError(`data: {"error":{"message":${inJson(echo)}}}\n\n`),
  "a reason phrase": (echo) =>
    respondWithError("", { statusText: oneLine(echo) }),
  "a header": (echo) =>
    respondWithError("", { headers: { "x-echo": oneLine(echo) } }),
  "at the end of a truncated error body": (echo) =>
    respondWithError("x".repeat(64 * 1024 - 20) + echo),
  "a redirect": (echo) =>
    new Response(null, {
      status: 307,
      headers: {
        location: `https://other.example/?k=${encodeURI(oneLine(echo))}`,
      },
    }),
  "a 200 in JSON": (echo) => stream(`{"error":${inJson(echo)}}`),
  "a 200 as HTML": (echo) => stream(`<p>${echo}</p>`),
  "a 200 as text": (echo) => stream(`Wrong key ${oneLine(echo)}`),
  "a content type": (echo) =>
    stream("<p>", { "content-type": `text/html;a="${oneLine(echo)}"` }),
  "an error": (echo) =>
    stream(`data: {"error":{"message":${inJson(echo)}}}\n\n`),
  "the names of an error": (echo) =>
    stream(`data: {"error":{${inJson(echo)}:{"a":[${inJson(echo)}]}}}\n\n`),
  "an error event": (echo) =>
    stream(`event: error\ndata: ${oneLine(echo)}\n\n`),
  "lines of an error event": (echo) =>
    stream(`event: error\ndata: ${echo.replace(/[\r\n]+ */g, "\ndata: ")}\n\n`),
  "an error field": (echo) => stream(`error: ${oneLine(echo)}\n\n`),
  "a choice": (echo) =>
    stream(`data: {"choices":[{"error":{"message":${inJson(echo)}}}]}\n\n`),
  "a finish_reason": (echo) =>
    stream(
      `data: {"choices":[{"finish_reason":{"type":"abort","message":${
        inJson(echo)
      }}}]}\n\n`,
    ),
  "malformed JSON": (echo) => stream(`data: {${oneLine(echo)}\n\n`),
  "at the end of a truncated excerpt": (echo) =>
    stream(`data: ${"x".repeat(60)}${oneLine(echo)}\n\n`),
  "a failed connection": (echo) =>
    Promise.reject(
      new TypeError(`error sending request for url (http://h/?k=${echo})`),
    ),
  "the cause of a failed connection": (echo) =>
    Promise.reject(
      new TypeError("fetch failed", { cause: new Error(`tls: ${echo}`) }),
    ),
  "an error of the caller's fetch": (echo) =>
    Promise.reject(Object.assign(new Error("no"), { config: { key: echo } })),
  "a body that breaks": (echo) =>
    new Response(
      new ReadableStream({
        pull: (body) => body.error(new Error(`at ${echo}`)),
      }),
    ),
};

// Ways to pass the key to a model

const carriers: Record<string, (key: string) => Partial<OpenAIModelOptions>> = {
  "apiKey": (apiKey) => ({ apiKey }),
  "a header": (key) => ({ headers: { "api-key": key } }),
  "an own authorization": (key) => ({
    headers: { authorization: `Token ${key}` },
  }),
  "a function": (key) => ({
    headers: () => Promise.resolve({ "x-goog-api-key": key }),
  }),
  "a cookie": (key) => ({ headers: { cookie: `a=b; session=${key}` } }),
  "a password": (key) => ({
    headers: { authorization: `Basic ${btoa(`user:${key}`)}` },
  }),
  "the query": (key) => ({
    baseURL: `https://h.example/v1?api-version=1&key=${
      encodeURIComponent(key)
    }`,
  }),
};

/** Everything that a log might print of an error. */
function printed(error: unknown): string {
  const shown: unknown[] = [String(error)];
  const seen = new Set<unknown>();
  const httpAttempt = (value: unknown): void => {
    if (Object(value) !== value || seen.has(value)) return;
    seen.add(value);
    if (value instanceof Headers) shown.push(...[...value].flat());
    shown.push(
      Deno.inspect(value, {
        depth: 9,
        showHidden: true,
        strAbbreviateSize: 1e6,
      }),
    );
    for (const name of Object.getOwnPropertyNames(value)) {
      const part = (value as Record<string, unknown>)[name];
      shown.push(name);
      if (typeof part === "string") shown.push(part);
      httpAttempt(part);
    }
  };
  httpAttempt(error);
  shown.push(JSON.stringify(error));
  try {
    shown.push(Deno.inspect(structuredClone(error), { depth: 9 }));
  } catch {
    // Headers cannot be cloned.
  }
  shown.push(formatAttempts(attemptsOf(error)));
  return shown.join("\n");
}

const keys = fc.tuple(
  fc.constantFrom("sk-", "sk-proj-", "gsk_", ""),
  fc.array(
    fc.constantFrom(
      ..."ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789_-+/=.~",
    ),
    { minLength: 16, maxLength: 48 },
  ),
).map(([prefix, rest]) => `${prefix}${rest.join("")}z`);

Deno.test("openaiModel() removes a key from errors, in every place and encoding", async () => {
  await fc.assert(
    fc.asyncProperty(
      keys,
      spelling,
      fc.constantFrom(...Object.keys(places)),
      fc.constantFrom(...Object.keys(carriers)),
      async (key, { spell }, place, carrier) => {
        const echo = spell(key);
        const model = openaiModel({
          model: "m",
          fetch: async () => await places[place]!(echo),
          ...carriers[carrier]!(key),
        });
        const error = await assertRejects(async () => {
          await Array.fromAsync(await fallbackStream([model], REQUEST));
        });
        const shown = printed(error) + Deno.inspect(model, { depth: 9 });
        assert(!shown.includes(key), `the key in: ${shown}`);
        assert(!shown.includes(echo), `${echo} in: ${shown}`);
        assert(!shown.includes(key.slice(0, 14)), `a part in: ${shown}`);
      },
    ),
    { numRuns: RUNS },
  );
});

Deno.test("openaiModel() keeps the text around a removed key", async () => {
  const model = openaiModel({
    model: "m",
    apiKey: "YWJjZGVmZ2hpamtsbW5vcA==",
    fetch: () =>
      Promise.resolve(
        respondWithError(
          '{"error":{"message":"Unknown key YWJjZGVmZ2hpamtsbW5vcA\\u003d\\u003d, sorry"}}',
        ),
      ),
  });

  const error = await assertRejects(() => fallbackStream([model], REQUEST));

  assertStringIncludes(String(error), "m: 401 Unknown key ***, sorry");
});

Deno.test("openaiModel() replaces a key by a placeholder in texts", async () => {
  const model = openaiModel({
    model: "m",
    apiKey: "x",
    fetch: () => Promise.resolve(respondWithError("no model x")),
  });

  const error = await assertRejects(() => fallbackStream([model], REQUEST));

  assertStringIncludes(String(error), "401 no model x");
});

Deno.test("openaiModel() does not redact answers", async () => {
  const key = "sk-0123456789abcdef";
  const model = openaiModel({
    model: "m",
    apiKey: key,
    fetch: () =>
      Promise.resolve(
        stream(
          `data: {"choices":[{"delta":{"content":"${key}"},"finish_reason":"stop"}]}\n\n`,
        ),
      ),
  });

  const chunks = await Array.fromAsync(await fallbackStream([model], REQUEST));

  assertStringIncludes(JSON.stringify(chunks), key);
});

Deno.test("openaiModel() shows why a connection failed, without the address", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const model = openaiModel({
    model: "m",
    baseURL: `http://127.0.0.1:${port}/v1?key=QUERYSECRET123`,
  });

  const error = await assertRejects(() => fallbackStream([model], REQUEST));

  assertStringIncludes(String(error), "onnection refused");
  assert(!printed(error).includes("http://127"), printed(error));
  assert(!printed(error).includes("QUERYSECRET"), printed(error));
});
