// `deno task demo`: an answer streams in although the first two providers fail.
//
// The providers are fakes that speak the OpenAI API over HTTP on this machine.
// Names of models as arguments replace the first fakes with real models. Without
// arguments, gpt-4o-mini replaces the first one if OPENAI_API_KEY is set.
// OPENAI_BASE_URL is the server of these models.

import {
  attemptsOf,
  type FallbackEvent,
  fallbackStream,
  formatAttempts,
} from "@fallback/stream";
import { openaiModel } from "@fallback/stream/openai";
import { fakeProvider, step, wire } from "@fallback/stream/testing";

const PROMPT = "In eighty words: why does a lighthouse have two lamps?";

const ANSWER =
  "A lighthouse keeps two lamps because a dark coast forgives nothing. The " +
  "first lamp does the work every night, and most nights the second only " +
  "gathers dust. But glass cracks, wicks drown, and gears stop in the cold. " +
  "Then the keeper does not argue with the broken lamp, and does not light " +
  "both at once, for two beams would send ships onto the rocks. He closes the " +
  "first shutter, opens the second, and far out at sea nobody notices that " +
  "anything has happened.";

const isTerminal = Deno.stdout.isTerminal();
const isColored = isTerminal && !Deno.noColor;
const dim = (text: string) => isColored ? `\x1b[2m${text}\x1b[22m` : text;
const print = (text: string) =>
  Deno.stdout.writeSync(new TextEncoder().encode(text));

/** Removes control characters, with which a text could take over a terminal. */
const clean = (text: string) =>
  // deno-lint-ignore no-control-regex -- control characters are what it removes
  isTerminal ? text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "") : text;

/** The answer, at about the speed of a fast model. */
const answer = ANSWER.split(/(?<= )/).flatMap((word) => [step.wait(35), word]);

const providers = [
  ["overloaded", [
    step.wait(300),
    wire.status(529, {
      body: { error: { type: "overloaded_error", message: "Overloaded" } },
    }),
  ]],
  ["silent", [{ choices: [{ delta: { role: "assistant" } }] }, step.hang()]],
  ["steady", [step.wait(300), ...answer]],
] as const;

const apiKey = Deno.env.get("OPENAI_API_KEY");
const baseURL = Deno.env.get("OPENAI_BASE_URL");
const names = Deno.args.length > 0 ? Deno.args : apiKey ? ["gpt-4o-mini"] : [];

await using servers = new AsyncDisposableStack();
const models = [
  ...names.map((model) => openaiModel({ model, apiKey, baseURL })),
  ...providers.slice(names.length).map(([model, script]) => {
    const { baseURL } = servers.use(fakeProvider(script).listen());
    return openaiModel({ model, baseURL });
  }),
];

/** On a terminal, shows which model is running until its first content. */
function onEvent({ type, attempt }: FallbackEvent) {
  if (!isTerminal) return;
  if (type === "started") print(dim(`\r\x1b[2Ktrying ${attempt?.model} …`));
  if (type === "committed") print("\r\x1b[2K");
}

console.log(dim(`> ${PROMPT}`));
let hasContent = false;
const request = { messages: [{ role: "user", content: PROMPT }] };
try {
  await using stream = await fallbackStream(models, request, {
    timeouts: { firstContentMs: 1500, idleMs: 10_000, totalMs: 120_000 },
    onEvent,
  });
  hasContent = true;
  for await (const chunk of stream) {
    print(clean(chunk.choices[0]?.delta?.content ?? ""));
  }
  console.log(`\n\n${dim(formatAttempts(stream.attempts))}`);
} catch (error) {
  if (isTerminal) print("\r\x1b[2K");
  console.log(`\n${dim(formatAttempts(attemptsOf(error)))}`);
  const what = hasContent ? "The answer broke off" : "No answer";
  console.error(`${what}: ${error instanceof Error ? error.message : error}`);
  Deno.exitCode = 1;
}
