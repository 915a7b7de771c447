// Calls a model with a fake provider, over HTTP or without a network.

import { assertRejects } from "@std/assert";
import { deadline } from "@std/async/deadline";
import {
  type ChatChunk,
  type ChatRequest,
  openaiModel,
  type OpenAIModelOptions,
} from "@fallback/stream/openai";
import {
  type FakeProvider,
  fakeProvider,
  type FakeProviderOptions,
  type ProviderCall,
  wire,
  type WireScript,
} from "@fallback/stream/testing";
import { createAttempt, type TestAttempt } from "../_test_attempt.ts";

export const REQUEST: ChatRequest = {
  messages: [{ role: "user", content: "Hi" }],
};
export const KEY = "sk-proj-Zx81/qLm04TgWv";
export const DONE = wire.raw("data: [DONE]\n\n");

/** One attempt with a fake provider over HTTP. */
export class HttpAttempt implements AsyncDisposable {
  readonly provider: FakeProvider;
  readonly attempt: TestAttempt = createAttempt();
  readonly #server: AsyncDisposable & { baseURL: string };
  readonly #options: Partial<OpenAIModelOptions> & FakeProviderOptions;

  constructor(
    script: WireScript,
    options: Partial<OpenAIModelOptions> & FakeProviderOptions = {},
  ) {
    this.provider = fakeProvider(script, options);
    this.#server = this.provider.listen();
    this.#options = options;
  }

  get call(): ProviderCall {
    return this.provider.calls[0]!;
  }

  /** Resolves when the connection is closed; rejects after 10 s. */
  get closed(): Promise<void> {
    return deadline(this.call.closed, 10_000);
  }

  async open(request = REQUEST): Promise<AsyncIterator<ChatChunk>> {
    const { lineEnd: _, onCall: __, ...options } = this.#options;
    const model = openaiModel({
      model: "fake",
      baseURL: this.#server.baseURL,
      apiKey: KEY,
      ...options,
    });
    const stream = await model.stream(request, this.attempt.context);
    return stream[Symbol.asyncIterator]();
  }

  async chunks(): Promise<ChatChunk[]> {
    return await collect(await this.open());
  }

  /** The error of opening or reading the stream. */
  async failure(): Promise<unknown> {
    return await assertRejects(() => this.chunks());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.attempt[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }
}

/** Makes one attempt without a network: packets arrive exactly as they are sent. */
export async function read(
  script: WireScript,
  options: FakeProviderOptions & Partial<OpenAIModelOptions> = {},
): Promise<ChatChunk[]> {
  await using attempt = createAttempt();
  const { lineEnd: _, onCall: __, ...rest } = options;
  const { fetch } = fakeProvider(script, options);
  const model = openaiModel({ model: "fake", apiKey: KEY, fetch, ...rest });
  const stream = await model.stream(REQUEST, attempt.context);
  return await collect(stream[Symbol.asyncIterator]());
}

export async function collect(
  chunks: AsyncIterator<ChatChunk>,
): Promise<ChatChunk[]> {
  return await Array.fromAsync({ [Symbol.asyncIterator]: () => chunks });
}

export function textOf(chunks: ChatChunk[]): string {
  return chunks.map(textIn).join("");
}

export function textIn(chunk: ChatChunk): string {
  return chunk.choices[0]?.delta?.content ?? "";
}

/** A chunk with one delta. */
export function delta(delta: Record<string, unknown>): ChatChunk {
  return { choices: [{ index: 0, delta }] } as ChatChunk;
}
