// Runs the script as users do, in its own process, with providers on this machine.

import {
  fakeProvider,
  step,
  wire,
  type WireScript,
} from "@fallback/stream/testing";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { deadline } from "@std/async/deadline";

/** How long a process may take, in milliseconds. */
const TIMEOUT_MS = 30_000;
const isWindows = Deno.build.os === "windows";
const decoder = new TextDecoder();

/** The running script. */
interface RunningScript extends AsyncDisposable {
  /** Reads stdout until it contains this text. */
  printed(part: string): Promise<void>;
  /** Closes stdout. */
  stopReading(): Promise<void>;
  interrupt(): void;
  /** Waits until the script exits, and returns its output. */
  exited(): Promise<
    { code: number; signal: string | null; stdout: string; stderr: string }
  >;
}

function run(
  args: readonly string[],
  env: Record<string, string>,
  stdin?: string,
): RunningScript {
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
  const timeout = setTimeout(() => process.kill("SIGKILL"), TIMEOUT_MS);
  let hasExited = false;
  const exited = process.status.finally(() => hasExited = true);
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
        assert(
          await readMore(),
          `The script exited without '${part}': ${stdout}`,
        );
      }
    },
    stopReading: () => reader.cancel(),
    interrupt: () => process.kill("SIGINT"),
    async exited() {
      while (await readMore());
      const { code, signal } = await exited;
      return { code, signal, stdout, stderr: await stderr };
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(timeout);
      if (!hasExited) process.kill("SIGKILL");
      await fed;
      await reader.cancel();
      await stderr;
      await exited;
    },
  };
}

async function feed(
  stdin: WritableStream<Uint8Array>,
  text = "",
): Promise<void> {
  const writer = stdin.getWriter();
  await writer.write(new TextEncoder().encode(text)).catch(() => {});
  await writer.close().catch(() => {}); // The script may exit without reading it.
}

/** Serves two providers, and returns the environment with their addresses. */
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

Deno.test("script.ts prints the answer to stdout, and the attempts to stderr", async () => {
  await using stack = new AsyncDisposableStack();
  const { providers, env } = serve(stack, ["Good ", "☃ ", "morning"]);
  await using script = run(["Say", "good morning."], env);
  const { code, stdout, stderr } = await script.exited();
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

Deno.test("script.ts prints each chunk when it arrives", async () => {
  await using stack = new AsyncDisposableStack();
  const { providers, env } = serve(stack, ["Good ", step.hang()]);
  await using script = run(["hi"], env);
  await script.printed("Good ");
  assertEquals(providers[0]!.calls[0]!.outcome, "pending");
  await stack.disposeAsync();
  assertEquals((await script.exited()).code, 1);
});

Deno.test("script.ts prints the answer of the second provider when the first fails", async () => {
  await using stack = new AsyncDisposableStack();
  const { env } = serve(stack, [
    wire.status(401, { body: "bad key sk-secret" }),
  ], ["Hello"]);
  await using script = run(["hi"], env);
  const { code, stdout, stderr } = await script.exited();
  assertEquals([code, stdout], [0, "Hello\n"]);
  assertMatch(stderr, /large .*failed .*401.*\nlocal .*completed/);
  assertEquals(stderr.includes("sk-secret"), false);
});

Deno.test("script.ts exits with 1 when all models fail, with the error of each", async () => {
  await using stack = new AsyncDisposableStack();
  const { env } = serve(stack, [wire.status(529)], [
    step.fail(new Error("connection lost")),
  ]);
  await using script = run(["hi"], env);
  const { code, stdout, stderr } = await script.exited();
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /large .*failed .*529.*\nlocal .*failed/);
});

Deno.test("script.ts exits with 1 when an answer is interrupted, without a fallback", async () => {
  await using stack = new AsyncDisposableStack();
  const { providers, env } = serve(stack, [
    "Hel",
    step.fail(new Error("connection lost")),
  ]);
  await using script = run(["hi"], env);
  const { code, stdout, stderr } = await script.exited();
  assertEquals([code, stdout], [1, "Hel"]);
  assertMatch(stderr, /large .*interrupted/);
  assertEquals(providers[1]!.calls.length, 0);
});

Deno.test({
  name:
    "script.ts closes the provider's connection on Ctrl-C, and exits with 130",
  ignore: isWindows,
  fn: async () => {
    for (const answer of [["Hel", step.hang()], [step.hang()]]) {
      await using stack = new AsyncDisposableStack();
      const { promise: called, resolve } = Promise.withResolvers<void>();
      const { providers, env } = serve(stack, answer, ["never"], resolve);
      await using script = run(["hi"], env);
      await called;
      if (answer.length > 1) await script.printed("Hel");
      script.interrupt();
      await deadline(providers[0]!.calls[0]!.closed, TIMEOUT_MS);
      const { code, signal, stderr } = await script.exited();
      // It exits by itself, not by the signal.
      assertEquals({ code, signal }, { code: 130, signal: null });
      assertMatch(stderr, /large .*cancelled/);
      assertEquals(
        providers.flatMap(({ calls }) => calls).map((it) => it.outcome),
        ["aborted"],
      );
    }
  },
});

Deno.test("script.ts reads the question from stdin when there is no argument", async () => {
  await using stack = new AsyncDisposableStack();
  const { providers, env } = serve(stack, ["Hello"]);
  const text = "Review this:\n" + "+ ☃\n".repeat(50_000);
  await using script = run([], env, text);
  const { code, stdout } = await script.exited();
  assertEquals([code, stdout], [0, "Hello\n"]);
  const { body } = providers[0]!.calls[0]!;
  assertEquals((body as { messages: unknown }).messages, question(text));
});

Deno.test("script.ts closes the connection without an error message when its stdout is closed", async () => {
  await using stack = new AsyncDisposableStack();
  const texts = Array.from({ length: 5000 }, () => [step.wait(5), "text "])
    .flat();
  const { providers, env } = serve(stack, texts);
  await using script = run(["hi"], env);
  await script.printed("text ");
  await script.stopReading();
  await deadline(providers[0]!.calls[0]!.closed, TIMEOUT_MS);
  assertEquals(providers[0]!.calls[0]!.outcome, "aborted");
  const { code, stderr } = await script.exited();
  if (!isWindows) assertEquals(code, 141);
  assertEquals(stderr, "");
});

Deno.test("script.ts calls only a local model when there is no key, by OLLAMA_HOST as host or URL", async () => {
  await using stack = new AsyncDisposableStack();
  const { providers, env: { OLLAMA_HOST } } = serve(stack, [], ["Hello"]);
  for (const host of [OLLAMA_HOST, `http://${OLLAMA_HOST}/`]) {
    await using script = run(["hi"], { OLLAMA_HOST: host });
    const { code, stdout } = await script.exited();
    assertEquals([code, stdout], [0, "Hello\n"]);
  }
  const { url, headers, body } = providers[1]!.calls[1]!;
  assertEquals(url, `http://${OLLAMA_HOST}/v1/chat/completions`);
  assertEquals(headers.has("authorization"), false);
  assertEquals((body as { model: unknown }).model, "llama3.2");
});

Deno.test("script.ts prints what is missing without a provider and without a question", async () => {
  const cases = [
    [["hi"], {}, /set OPENAI_API_KEY/],
    [[], { OLLAMA_HOST: "127.0.0.1:9" }, /No question/],
  ] as const;
  for (const [args, env, message] of cases) {
    await using script = run(args, env);
    const { code, stdout, stderr } = await script.exited();
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, message);
  }
});
