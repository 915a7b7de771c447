// One chain of a compatible endpoint, a provider of the AI SDK and an SDK client, with
// one chunk type and without type assertions.

import { createAnthropic } from "@ai-sdk/anthropic";
import { fallbackStream, mapModel } from "@fallback/stream";
import { chatModel } from "@fallback/stream/ai-sdk";
import {
  type ChatChunk,
  type ChatRequest,
  openaiModel,
} from "@fallback/stream/openai";
import { assertEquals } from "@std/assert";
import { Ollama } from "ollama/browser";
import { Connection } from "./_connection.ts";
import { anthropic as claudeWire } from "./wires/anthropic.ts";
import { chat as gptWire } from "./wires/chat.ts";
import { ollama as llamaWire } from "./wires/ollama.ts";
import type { Wire } from "./wires/wire.ts";

function truncated(wire: Wire): Connection {
  const headers = { "content-type": wire.contentType };
  return new Connection({ headers, pieces: [wire.preamble] });
}

Deno.test("openaiModel(), chatModel(anthropic()) and mapModel() over ollama form one chain", async () => {
  const gpt = truncated(gptWire);
  const claude = truncated(claudeWire);
  const llama = new Connection({
    headers: { "content-type": llamaWire.contentType },
    pieces: [llamaWire.preamble, llamaWire.content, llamaWire.end],
  });
  const anthropic = createAnthropic({ apiKey: "key", fetch: claude.fetch });
  const models = [
    openaiModel({ model: "gpt", fetch: gpt.fetch }),
    chatModel(anthropic("claude")),
    mapModel({
      name: "llama",
      async stream(
        messages: { role: string; content: string }[],
        { signal, stack },
      ) {
        const client = new Ollama({
          host: "http://fake.test",
          fetch: (url, init) => {
            const signals = init?.signal ? [signal, init.signal] : [signal];
            return llama.fetch(url, {
              ...init,
              signal: AbortSignal.any(signals),
            });
          },
        });
        const stream = await client.chat({
          model: "m",
          messages,
          stream: true,
        });
        stack.defer(() => stream.abort());
        return stream;
      },
      isContent: ({ message }) => message.content !== "",
      isFinal: ({ done }) => done,
      usage: ({ prompt_eval_count, eval_count }) => ({
        inputTokens: prompt_eval_count,
        outputTokens: eval_count,
      }),
    }, {
      request: ({ messages }: ChatRequest) =>
        messages.map(({ role, content }) => ({ role, content: `${content}` })),
      chunk: ({ message, done }): ChatChunk => ({
        choices: [{
          delta: { content: message.content },
          finish_reason: done ? "stop" : null,
        }],
      }),
    }),
  ];
  const messages = [{ role: "user", content: "Hi" }];
  await using stream = await fallbackStream(models, { messages });
  let text = "";
  for await (const { choices } of stream) {
    text += choices[0]?.delta?.content ?? "";
  }
  assertEquals([text, stream.model], ["Hel", "llama"]);
  assertEquals(
    stream.attempts.map(({ usage }) => usage?.inputTokens),
    [undefined, 3, 3],
  );
  assertEquals([gpt.open, claude.open, llama.open], [0, 0, 0]);
});
