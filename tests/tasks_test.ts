// The tasks that users run, each with exactly the permissions that it has in
// deno.json.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { TextLineStream } from "@std/streams/text-line-stream";
import config from "../deno.json" with { type: "json" };

/** The start of these tasks; the tests already have the standard library. */
const PREFIX = /^deno run [^"]*? tools\/deno\.ts /;

/** Starts the command of a task, without prompts for permissions. */
function start(
  task: "demo" | "serve" | "simulate",
  change: (command: string) => string = (command) => command,
): Deno.ChildProcess {
  const command = config.tasks[task];
  assertMatch(command, PREFIX);
  return new Deno.Command(Deno.execPath(), {
    args: change(command.replace(PREFIX, "")).split(" "),
    cwd: new URL("../", import.meta.url),
    env: {
      NO_COLOR: "1",
      OPENAI_API_KEY: "",
      GROQ_API_KEY: "",
      MISTRAL_API_KEY: "",
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** The output of a process that has to succeed. */
async function output(process: Deno.ChildProcess): Promise<string> {
  const { success, stdout, stderr } = await process.output();
  const text = new TextDecoder();
  assert(success, text.decode(stderr));
  return text.decode(stdout);
}

Deno.test("deno task demo prints an answer and all attempts when two providers fail", async () => {
  const lines = (await output(start("demo"))).trimEnd().split("\n");
  assertMatch(lines[1]!, /^A lighthouse keeps two lamps .* has happened\.$/);
  const [failed, silent, steady] = lines.slice(-3);
  assertMatch(failed!, /^overloaded .* failed +HttpError: 529/);
  assertMatch(
    silent!,
    /^silent .* failed +Model "silent" sent no content within 1500 ms/,
  );
  assertMatch(steady!, /^steady .* completed +\d+ chunks/);
});

Deno.test("deno task serve serves the page and answers POST /chat", async () => {
  await using process = start(
    "serve",
    (it) => it.replace("--port 8000", "--port 0"),
  );
  await process.stdout.cancel();
  const lines = process.stderr.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  let url: string | undefined;
  const printed: string[] = [];
  for await (const line of lines.values({ preventCancel: true })) {
    printed.push(line);
    url = /Listening on (\S+)/.exec(line)?.[1];
    if (url !== undefined) break;
  }
  assert(url, printed.join("\n"));

  const page = await fetch(url);
  assertEquals([page.status, page.headers.get("content-type")], [
    200,
    "text/html; charset=utf-8",
  ]);
  assertMatch(await page.text(), /<title>/);

  const answer = await fetch(new URL("/chat", url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ messages: [{ role: "user", content: "Hi" }] }),
  });
  const events = answer.body!.getReader();
  const { value } = await events.read();
  assertMatch(new TextDecoder().decode(value), /^event: \w+\ndata: \{/);
  await events.cancel();
  await lines.cancel();
});

Deno.test("deno task simulate prints its assumptions, a row for each strategy, and the scenarios", async () => {
  const out = await output(start("simulate", (it) => `${it} --calls 50`));
  assertMatch(out, /^\| `--calls` +\| 50 /m);
  assertMatch(out, /^`deno task simulate --calls 50 --seed 1`$/m);
  assertEquals(
    Array.from(out.matchAll(/^\| ([^|]+?) +\| [\d.]+ % /gm), ([, row]) => row),
    [
      "one model",
      "fallback",
      "+ timeouts",
      "+ retry",
      "+ hedging at p95",
      "+ a budget of 5 %",
    ],
  );
  assertMatch(out, /^\| calm +\| 100 +\| learned +\| [\d.]+ % /m);
  assertMatch(out, /^\| target for learned times /m);
});
