// The command: what it prints, and its exit code.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { TextLineStream } from "@std/streams/text-line-stream";
import { stub } from "@std/testing/mock";
import { fallbackStream } from "@fallback/stream";
import type { ChatChunk, OpenAIModel } from "@fallback/stream/openai";
import { virtualTime } from "@fallback/stream/testing";
import { demoOptions } from "../../src/serve/_demo.ts";
import { main } from "../../src/serve/_main.ts";
import { temporaryFolder } from "../_temporary_folder.ts";
import { stubServe } from "./_stub_serve.ts";

/** What a run of the command did. */
interface Run {
  readonly printed: string[];
  readonly errors: string[];
  readonly exitCodes: unknown[];
  /** The host and port of each server. */
  readonly places: string[];
}

/** Runs the command, and sends a signal once it listens. */
async function run(
  args: readonly string[],
  { env = {}, signal = "SIGTERM" }: {
    env?: Readonly<Record<string, string>>;
    signal?: string;
  } = {},
): Promise<Run> {
  const printed: string[] = [];
  const errors: string[] = [];
  const exitCodes: unknown[] = [];
  const listeners = new Map<string, () => void>();
  using stack = new DisposableStack();
  const serving = stack.use(stubServe(async (stop) => {
    assert(stop);
    const { promise, resolve } = Promise.withResolvers<void>();
    stop.addEventListener("abort", () => resolve());
    await promise;
    printed.push("stopped");
  }));
  stack.use(stub(console, "log", (line) => {
    printed.push(line);
    // The signal listeners are added after this.
    if (/listens/.test(line)) queueMicrotask(() => listeners.get(signal)!());
  }));
  stack.use(stub(console, "error", (line) => void errors.push(line)));
  stack.use(stub(Deno, "exit", (code) => exitCodes.push(code) as never));
  stack.use(stub(Deno.env, "get", (name) => env[name]));
  stack.use(
    stub(
      Deno,
      "addSignalListener",
      (name, listener) => void listeners.set(name, listener),
    ),
  );
  await main(args);
  const places = serving.calls.map(([{ hostname, port }]) =>
    `${hostname} ${port}`
  );
  return { printed, errors, exitCodes, places };
}

const FAKES = "All models are fakes. Ask for chat, breaks-off or down.";
const listens = (place: string) =>
  `The gateway listens: set your client's base URL to http://${place}/v1`;
const USAGE =
  "Usage: serve [fallback.json] [--host HOST] [--port PORT] [--demo]";

/** Arguments, and the host and port that they mean. */
const places: [args: string[], host: string, port: number][] = [
  [[], "127.0.0.1", 8787],
  [["--host", "localhost", "--port", "0"], "localhost", 0],
  [["--port=65535", "--host=127.0.0.2"], "127.0.0.2", 65_535],
];

for (const signal of ["SIGINT", "SIGTERM"]) {
  Deno.test(`the serve command listens where its arguments say, until ${signal} ends it with 0`, async () => {
    await using folder = await temporaryFolder();
    const file = `${folder.path}/fallback.json`;
    const models = { chat: [{ provider: "ollama", model: "m" }] };
    await Deno.writeTextFile(file, JSON.stringify({ models, port: 8787 }));
    const env = { OPENAI_API_KEY: "sk-0" };
    for (const [args, host, port] of places) {
      for (const more of [["--demo"], [file], []]) {
        const { printed, ...rest } = await run([...args, ...more], {
          env: more.length === 0 ? env : {},
          signal,
        });
        const lines = [listens(`${host}:${port}`), "stopped"];
        if (more[0] === "--demo") lines.unshift(FAKES);
        assertEquals(printed, lines);
        assertEquals(rest, {
          errors: [],
          exitCodes: [0],
          places: [`${host} ${port}`],
        });
      }
    }
  });
}

/** Arguments, and the messages that they make. */
const wrongArguments: [args: string[], message: string | RegExp][] = [
  [[], /^There is no model: /],
  [["--host"], `--host needs a value. ${USAGE}`],
  [["--port="], `--port needs a value. ${USAGE}`],
  [["--prot", "1"], `Unknown argument "--prot". ${USAGE}`],
  [["a.json", "b.json"], `Unknown argument "b.json". ${USAGE}`],
  [["no-such-file.json"], /^No such file .*'no-such-file\.json'$/],
  [
    ["--demo", "--host", "0.0.0.0"],
    "'host' must be this machine's own unless there are access keys ('keys'): current value is \"0.0.0.0\"",
  ],
  ...["65536", "99999", "100000", "1.5", "-1"].map((
    value,
  ): [string[], string] => [
    ["--port", value],
    `--port must be a number from 0 to 65535: current value is "${value}"`,
  ]),
];

Deno.test("the serve command exits with 1 and the message of a wrong argument", async () => {
  for (const [args, message] of wrongArguments) {
    const { errors, ...rest } = await run(args);
    assertEquals(rest.exitCodes, [1]);
    assertEquals(rest.places, []);
    assertEquals(errors.length, 1);
    if (message instanceof RegExp) assertMatch(errors[0]!, message);
    else assertEquals(errors[0], message);
  }
});

Deno.test("the serve command exits with 1 and the message of an invalid configuration, and shows no secret", async () => {
  await using folder = await temporaryFolder();
  const file = `${folder.path}/fallback.json`;
  const secret = "sk-in-the-file-0123456789";
  const notObject = `${file}: it is not a JSON object`;
  const texts: [string, string][] = [
    [`{ "keys": ["${secret}"`, notObject],
    [`"${secret}"`, notObject],
    ["null", notObject],
    [
      `{ "keys": ["${secret}"], "models": {} }`,
      `${file}: 'models' must not be empty`,
    ],
  ];
  for (const [text, message] of texts) {
    await Deno.writeTextFile(file, text);
    assertEquals(await run([file]), {
      printed: [],
      errors: [message],
      exitCodes: [1],
      places: [],
    });
  }
  const env = { OPENAI_API_KEY: "sk-0", GATEWAY_KEYS: "short-1" };
  assertEquals(
    (await run([], { env })).errors,
    ["'keys[0]' must have at least 16 characters: it has 7"],
  );
});

/** What a model of the demo answers, and when. */
async function answerOf(model: OpenAIModel): Promise<unknown[]> {
  let text = "";
  let usage: ChatChunk["usage"];
  return await virtualTime(async () => {
    try {
      const stream = await fallbackStream([model], { messages: [] });
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta?.content ?? "";
        usage = chunk.usage ?? usage;
      }
      return [model.name, Date.now(), text, usage];
    } catch (error) {
      return [model.name, Date.now(), text, (error as Error).message];
    }
  });
}

Deno.test("demoOptions() has chains of models that fail, break off and answer", async () => {
  const { models, authorize } = demoOptions();
  assertEquals(authorize, "anyone");
  const answers: Record<string, unknown> = {};
  for (const [name, chain] of Object.entries(models)) {
    answers[name] = await Array.fromAsync(chain as OpenAIModel[], answerOf);
  }
  const overloaded = [
    "fake-overloaded",
    200,
    "",
    "All models failed:\nfake-overloaded: 529 overloaded",
  ];
  const steady = [
    "fake-steady",
    880,
    "This answer comes from a fake model. The first model of the chain was overloaded, and the gateway called the next one.",
    { prompt_tokens: 9, completion_tokens: 22, total_tokens: 31 },
  ];
  const broken = [
    "fake-broken",
    0,
    "This answer comes from a fake ",
    'Stream of "fake-broken" ended before its final chunk (isFinal)',
  ];
  assertEquals(answers, {
    chat: [overloaded, steady],
    "breaks-off": [broken, steady],
    down: [overloaded],
  });
});

Deno.test("the serve command with --demo answers a client with fake models", async () => {
  const path = (name: string) =>
    new URL(`../../${name}`, import.meta.url).pathname;
  const args = ["run", "-A", "--no-check", path("src/serve/mod.ts")];
  await using child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", path("tools/deno.ts"), ...args, "--demo", "--port=0"],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  let url: string | undefined;
  for await (const line of lines) {
    url = /http:\/\/\S+/.exec(line)?.[0];
    if (url !== undefined) break;
  }
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "chat",
      messages: [{ role: "user", content: "hi" }],
    }),
  });
  assertEquals((await response.json()).model, "fake-steady");
});
