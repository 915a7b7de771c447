// Asks a question from the command line. The answer is streamed to stdout, the
// attempts are printed to stderr. The exit code is 0 for a complete answer, 1 for
// no answer or half of one, and 130 after Ctrl-C.
//
//   deno run --allow-net --allow-env script.ts "Why is the sky blue?"
//   git diff | deno run --allow-net --allow-env script.ts > review.md
//
// It reads OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_MODEL, OLLAMA_HOST and
// OLLAMA_MODEL.

import { attemptsOf, fallbackStream, formatAttempts } from "@fallback/stream";
import { openaiModel } from "@fallback/stream/openai";

const setting = (name: string) => Deno.env.get(name) || undefined;
const apiKey = setting("OPENAI_API_KEY");
const baseURL = setting("OPENAI_BASE_URL");
const ollama = setting("OLLAMA_HOST");

const models = [];
if (apiKey || baseURL) {
  const model = setting("OPENAI_MODEL") ?? "gpt-4o-mini";
  models.push(openaiModel({ model, apiKey, baseURL }));
}
if (ollama) {
  const model = setting("OLLAMA_MODEL") ?? "llama3.2";
  const url = ollama.includes("://") ? ollama : `http://${ollama}`;
  models.push(openaiModel({ model, baseURL: url.replace(/\/*$/, "/v1") }));
}
if (models.length === 0) {
  console.error(
    "No model: set OPENAI_API_KEY, or OPENAI_BASE_URL for another server, or\n" +
      "OLLAMA_HOST=127.0.0.1:11434. OPENAI_MODEL and OLLAMA_MODEL say which.",
  );
  Deno.exit(1);
}

const content = Deno.args.join(" ") ||
  (Deno.stdin.isTerminal()
    ? prompt(">")
    : await new Response(Deno.stdin.readable).text());
if (!content?.trim()) {
  console.error("No question: give it as arguments, or on stdin.");
  Deno.exit(1);
}

// From here on, Ctrl-C closes the connection to the provider before it exits.
const controller = new AbortController();
const { signal } = controller;
Deno.addSignalListener("SIGINT", () => controller.abort());

/** Removes control characters, with which a text could take over a terminal. */
const clean = (text: string) =>
  Deno.stdout.isTerminal()
    // deno-lint-ignore no-control-regex -- control characters are what it removes
    ? text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "")
    : text;

const stdout = Deno.stdout.writable.getWriter();
const print = (text: string) => stdout.write(new TextEncoder().encode(text));
const request = { messages: [{ role: "user", content }] };
const timeouts = { firstContentMs: 30_000, idleMs: 30_000 };
try {
  await using stream = await fallbackStream(models, request, {
    signal,
    timeouts,
  });
  for await (const { choices } of stream) {
    await print(clean(choices[0]?.delta?.content ?? ""));
  }
  await print("\n");
  console.error(`\n${formatAttempts(stream.attempts)}`);
} catch (error) {
  // The reader of stdout, such as `head`, has closed the pipe.
  if (error instanceof Deno.errors.BrokenPipe) Deno.exit(141);
  console.error(`\n${formatAttempts(attemptsOf(error))}`);
  Deno.exitCode = signal.aborted ? 130 : 1;
}
