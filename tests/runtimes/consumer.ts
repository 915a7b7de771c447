// Compiles with a user's compiler: types that are inferred at every entry point,
// mistakes that do not compile, and streams that can be disposed of.

import {
  fallbackModel,
  fallbackStream,
  formatAttempts,
  hasStatus,
  type Model,
} from "@fallback/stream";
import {
  fallbackLanguageModel,
  type LanguageModelV4,
} from "@fallback/stream/ai-sdk";
import { continueStream } from "@fallback/stream/continue";
import { gateway } from "@fallback/stream/gateway";
import { memoryHealth } from "@fallback/stream/health";
import { kvHealth, type KvStore } from "@fallback/stream/kv";
import { trackLatency } from "@fallback/stream/latency";
import { openaiModel } from "@fallback/stream/openai";
import { instrument } from "@fallback/stream/otel";
import { redisHealth, type RedisSend } from "@fallback/stream/redis";
import { serve, type ServeConfig } from "@fallback/stream/serve";
import { sseResponse } from "@fallback/stream/sse";
import { fakeModel, fakeProvider, virtualTime } from "@fallback/stream/testing";

interface Question {
  readonly text: string;
}

async function* counting({ text }: Question): AsyncGenerator<number> {
  for (let i = 0; i < text.length; i++) yield i;
}

/** A call with every kind of option. */
export async function ask(kv: KvStore): Promise<string> {
  const chain = fallbackModel([counting, fakeModel("fake", [1, 2])], {
    health: kvHealth(kv),
    retry: { maxAttempts: undefined },
  });
  chain satisfies Model<Question, number>;

  await using stream = await fallbackStream([chain], { text: "hi" }, {
    fallbackOn: [TypeError, hasStatus(429, "5xx")],
    health: memoryHealth({ failureThreshold: 3 }),
    isContent: (chunk) => chunk > 0,
    onEvent: instrument(),
    timeouts: { firstContentMs: 1000 },
  });
  stream[Symbol.asyncDispose] satisfies () => PromiseLike<void>;
  for await (const chunk of stream) chunk satisfies number;
  return formatAttempts(stream.attempts);
}

/** Invalid types of requests and chunks. */
export async function askWrongly(): Promise<void> {
  // @ts-expect-error the request has no text
  await fallbackStream([counting], { prompt: "hi" });
  const isFinal = (chunk: string) => chunk === "";
  // @ts-expect-error the chunks are numbers
  await fallbackStream([counting], { text: "hi" }, { isFinal });
}

/** Continues and sends chunks of `./openai`. */
export async function answer(): Promise<Response> {
  const { fetch } = fakeProvider(["Hello"]);
  const headers: Record<string, string> = { "x-trace": "1" };
  const models = [openaiModel({ model: "gpt", fetch, headers })];
  const stream = await continueStream(models, { messages: [] }, {
    resume: ({ request, chunks }) => {
      chunks[0]?.choices[0]?.delta?.content satisfies
        | string
        | null
        | undefined;
      return request;
    },
  });
  return sseResponse(stream, { encode: ({ id }) => id ?? "" });
}

/** Learned times, circuits in Redis, and the gateway. */
export function serveChat(
  send: RedisSend,
): (request: Request) => Promise<Response> {
  const latency = trackLatency({ minSamples: 10 });
  const limits = { min: 100, max: 10_000, initial: 3_000 };
  return gateway({
    models: { chat: [openaiModel({ model: "gpt", apiKey: "sk-1234" })] },
    authorize: (request) => request.headers.has("x-user") && { id: "user" },
    fallback: {
      health: redisHealth(send, { prefix: "chat" }),
      hedge: { afterMs: latency.quantile(0.95, limits) },
      onEvent: [latency, instrument()],
    },
  });
}

/** The command as a function. */
export async function runCommand(config: ServeConfig): Promise<string> {
  const { signal } = new AbortController();
  const { url, finished } = await serve(config, { signal });
  await finished;
  // @ts-expect-error the models are missing
  await serve({ keys: [] });
  return url;
}

/** A chain of language models is a language model. */
export function chain(models: readonly LanguageModelV4[]): LanguageModelV4 {
  return fallbackLanguageModel(models, { timeouts: { totalMs: 60_000 } });
}

/** A server is disposed of at the end of its block, too. */
export async function listen(): Promise<string> {
  await using server = fakeProvider(["Hello"]).listen();
  return await virtualTime(() => server.url);
}
