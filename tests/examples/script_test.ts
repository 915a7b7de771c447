// The script as its users run it: as a process of its own, whose providers are
// servers on this machine.

import {
  fakeProvider,
  step,
  wire,
  type WireScript,
} from "@fallback/stream/testing";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { deadline } from "@std/async/deadline";

/** After so long a process is stuck, in milliseconds. */
const STUCK_MS = 30_000;
const isWindows = Deno.build.os === "windows";
const decoder = new TextDecoder();

/** The script while it runs. */
interface Running extends AsyncDisposable {
  /** Reads what it prints until it has printed this. */
  printed(part: string): Promise<void>;
  /** Stops reading what it prints. */
  stopReading(): Promise<void>;
  interrupt(): void;
  /** Its end, with all that it has printed. */
  ended(): Promise<
    { code: number; signal: string | null; stdout: string; stderr: string }
  >;
}

function run(
  args: readonly string[],
  env: Record<string, string>,
  stdin?: string,
): Running {
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--quiet",
      "--allow-net=127.0.0.1",
      "--allow-env",
      new URL("../../examples/script.ts", import.meta.url).href,
      ...args,
    ],
    env: {
      NO_COLOR: "1",
      OPENAI_API_KEY: "",
      OPENAI_BASE_URL: "",
      OPENAI_MODEL: "",
      OLLAMA_HOST: "",
      OLLAMA_MODEL: "",
      ...env,
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const patience = setTimeout(() => process.kill("SIGKILL"), STUCK_MS);
  let hasEnded = false;
  const ended = process.status.finally(() => hasEnded = true);
  const fed = feed(process.stdin, stdin);
  const stderr = new Response(process.stderr).text();
  const reader = process.stdout.getReader();
  let stdout = "";
  const readMore = async () => {
    const { value } = await reader.read();
    stdout += decoder.decode(value, { stream: true });
    return value !== undefined;
  };
  return {
    async printed(part) {
      while (!stdout.includes(part)) {
        assert(await readMore(), `It ended without '${part}': ${stdout}`);
      }
    },
    stopReading: () => reader.cancel(),
    interrupt: () => process.kill("SIGINT"),
    async ended() {
      while (await readMore());
      const { code, signal } = await ended;
      return { code, signal, stdout, stderr: await stderr };
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(patience);
      if (!hasEnded) process.kill("SIGKILL");
      await fed;
      await reader.cancel();
      await stderr;
      await ended;
    },
  };
}

async function feed(
  stdin: WritableStream<Uint8Array>,
  text = "",
): Promise<void> {
  const writer = stdin.getWriter();
  await writer.write(new TextEncoder().encode(text)).catch(() => {});
  await writer.close().catch(() => {}); // it has ended without reading it
}

/** Two providers, and the settings by which the script finds them. */
function serve(
  stack: AsyncDisposableStack,
  first: WireScript,
  second: WireScript = ["never"],
  onCall?: () => void,
) {
  const providers = [first, second].map((script) =>
    fakeProvider(script, { onCall })
  );
  const [openai, ollama] = providers.map((it) => stack.use(it.listen()));
  const env = {
    OPENAI_API_KEY: "sk-secret",
    OPENAI_BASE_URL: openai!.baseURL,
    OPENAI_MODEL: "large",
    OLLAMA_HOST: new URL(ollama!.url).host,
    OLLAMA_MODEL: "local",
  };
  return { providers, env };
}

const question = (content: string) => [{ role: "user", content }];

Deno.test("the script prints the words to stdout, and what was tried to stderr", async () => {
  await using stack = new AsyncDisposableStack();
  const { providers, env } = serve(stack, ["Good ", "☃ ", "morning"]);
  await using script = run(["Say", "good morning."], env);
  const { code, stdout, stderr } = await script.ended();
  assertEquals([code, stdout], [0, "Good ☃ morning\n"]);
  assertMatch(stderr, /^\nlarge .*completed.*\n$/);
  const { body, headers } = providers[0]!.calls[0]!;
  assertEquals(body, {
    model: "large",
    stream: true,
    stream_options: { include_usage: true },
    messages: question("Say good morning."),
  });
  assertEquals(headers.get("authorization"), "Bearer sk-secret");
  assertEquals(providers[1]!.calls.length, 0);
});

Deno.test("the script prints the words as they come", async () => {
  await using stack = new AsyncDisposableStack();
  const { providers, env } = serve(stack, ["Good ", step.hang()]);
  await using script = run(["hi"], env);
  await script.printed("Good ");
  assertEquals(providers[0]!.calls[0]!.outcome, "pending");
  await stack.disposeAsync();
  assertEquals((await script.ended()).code, 1);
});

Deno.test("the script's second provider answers where the first refuses", async () => {
  await using stack = new AsyncDisposableStack();
  const { env } = serve(stack, [
    wire.status(401, { body: "bad key sk-secret" }),
  ], ["Hello"]);
  await using script = run(["hi"], env);
  const { code, stdout, stderr } = await script.ended();
  assertEquals([code, stdout], [0, "Hello\n"]);
  assertMatch(stderr, /large .*failed .*401.*\nlocal .*completed/);
  assertEquals(stderr.includes("sk-secret"), false);
});

Deno.test("the script ends with 1 where all fail, and says why of each", async () => {
  await using stack = new AsyncDisposableStack();
  const { env } = serve(stack, [wire.status(529)], [
    step.fail(new Error("cut")),
  ]);
  await using script = run(["hi"], env);
  const { code, stdout, stderr } = await script.ended();
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /large .*failed .*529.*\nlocal .*failed/);
});

Deno.test("the script ends with 1 where an answer breaks off, and asks nobody else", async () => {
  await using stack = new AsyncDisposableStack();
  const { providers, env } = serve(stack, ["Hel", step.fail(new Error("cut"))]);
  await using script = run(["hi"], env);
  const { code, stdout, stderr } = await script.ended();
  assertEquals([code, stdout], [1, "Hel"]);
  assertMatch(stderr, /large .*interrupted/);
  assertEquals(providers[1]!.calls.length, 0);
});

Deno.test({
  name: "Ctrl-C closes the provider's connection, and the script ends with 130",
  ignore: isWindows,
  fn: async () => {
    for (const answer of [["Hel", step.hang()], [step.hang()]]) {
      await using stack = new AsyncDisposableStack();
      const { promise: asked, resolve } = Promise.withResolvers<void>();
      const { providers, env } = serve(stack, answer, ["never"], resolve);
      await using script = run(["hi"], env);
      await asked;
      if (answer.length > 1) await script.printed("Hel");
      script.interrupt();
      await deadline(providers[0]!.calls[0]!.closed, STUCK_MS);
      const { code, signal, stderr } = await script.ended();
      // By itself, not by the signal.
      assertEquals({ code, signal }, { code: 130, signal: null });
      assertMatch(stderr, /large .*cancelled/);
      assertEquals(
        providers.flatMap(({ calls }) => calls).map((it) => it.outcome),
        ["aborted"],
      );
    }
  },
});

Deno.test("the script takes its question from stdin where there is no argument", async () => {
  await using stack = new AsyncDisposableStack();
  const { providers, env } = serve(stack, ["Hello"]);
  const text = "Review this:\n" + "+ ☃\n".repeat(50_000);
  await using script = run([], env, text);
  const { code, stdout } = await script.ended();
  assertEquals([code, stdout], [0, "Hello\n"]);
  const { body } = providers[0]!.calls[0]!;
  assertEquals((body as { messages: unknown }).messages, question(text));
});

Deno.test("who reads the script's words may stop: the connection is closed, without a complaint", async () => {
  await using stack = new AsyncDisposableStack();
  const words = Array.from({ length: 5000 }, () => [step.wait(5), "word "])
    .flat();
  const { providers, env } = serve(stack, words);
  await using script = run(["hi"], env);
  await script.printed("word ");
  await script.stopReading();
  await deadline(providers[0]!.calls[0]!.closed, STUCK_MS);
  assertEquals(providers[0]!.calls[0]!.outcome, "aborted");
  const { code, stderr } = await script.ended();
  if (!isWindows) assertEquals(code, 141);
  assertEquals(stderr, "");
});

Deno.test("the script asks a local model alone where there is no key, by host or address", async () => {
  await using stack = new AsyncDisposableStack();
  const { providers, env: { OLLAMA_HOST } } = serve(stack, [], ["Hello"]);
  for (const host of [OLLAMA_HOST, `http://${OLLAMA_HOST}/`]) {
    await using script = run(["hi"], { OLLAMA_HOST: host });
    const { code, stdout } = await script.ended();
    assertEquals([code, stdout], [0, "Hello\n"]);
  }
  const { url, headers, body } = providers[1]!.calls[1]!;
  assertEquals(url, `http://${OLLAMA_HOST}/v1/chat/completions`);
  assertEquals(headers.has("authorization"), false);
  assertEquals((body as { model: unknown }).model, "llama3.2");
});

Deno.test("without any provider the script says what to set; without a question, how to ask", async () => {
  const cases = [
    [["hi"], {}, /set OPENAI_API_KEY/],
    [[], { OLLAMA_HOST: "127.0.0.1:9" }, /No question/],
  ] as const;
  for (const [args, env, says] of cases) {
    await using script = run(args, env);
    const { code, stdout, stderr } = await script.ended();
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, says);
  }
});
