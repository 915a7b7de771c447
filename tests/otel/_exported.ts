// A process with Deno's own exporter: one model refuses, the next one hangs, and
// the last one answers, all over HTTP.

import { fallbackStream } from "@fallback/stream";
import { openaiModel } from "@fallback/stream/openai";
import { instrument } from "@fallback/stream/otel";

const [baseURL] = Deno.args;
const models = ["gpt", "claude", "llama"].map((model) =>
  openaiModel({ model, baseURL: baseURL!, apiKey: "a secret" })
);
const request = {
  messages: [{ role: "user" as const, content: "the question" }],
};
await using stream = await fallbackStream(models, request, {
  onEvent: instrument(),
  timeouts: { firstContentMs: (name) => name === "claude" ? 100 : 60_000 },
});
for await (const _ of stream);
