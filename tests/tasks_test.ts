// The tasks that users run, each with exactly the permissions that it has in
// deno.json.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { TextLineStream } from "@std/streams/text-line-stream";
import config from "../deno.json" with { type: "json" };

/** What these tasks begin with; tests have the standard library already. */
const PREFIX = /^deno run [^"]*? tools\/deno\.ts /;

/** Starts what a task runs, where no permission can be asked for. */
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

/** What it prints until it ends, which has to be with success. */
async function output(process: Deno.ChildProcess): Promise<string> {
  const { success, stdout, stderr } = await process.output();
  const text = new TextDecoder();
  assert(success, text.decode(stderr));
  return text.decode(stdout);
}

Deno.test("deno task demo prints an answer although two providers fail, and all attempts", async () => {
  const lines = (await output(start("demo"))).trimEnd().split("\n");
  assertMatch(lines[1]!, /^A lighthouse keeps two lamps .* has happened\.$/);
  const [refused, silent, steady] = lines.slice(-3);
  assertMatch(refused!, /^overloaded .* failed +HttpError: 529/);
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
  const said: string[] = [];
  for await (const line of lines.values({ preventCancel: true })) {
    said.push(line);
    url = /Listening on (\S+)/.exec(line)?.[1];
    if (url !== undefined) break;
  }
  assert(url, said.join("\n"));

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
      "fall-back",
      "+ timeouts",
      "+ retry",
      "+ hedging at p95",
      "+ a budget of 5 %",
    ],
  );
  assertMatch(out, /^\| calm +\| 100 +\| learned +\| [\d.]+ % /m);
  assertMatch(out, /^\| target for learned times /m);
});
