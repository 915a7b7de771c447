/**
 * A whole answer from a stream of chunks.
 *
 * @module
 */

import { assertAsyncIterable } from "../_shared/arguments.ts";
import type { ChatChunk, ChatUsage } from "../openai/mod.ts";
import { mergeDelta } from "./_merge_delta.ts";

/** One `chat.completion`. */
export interface ChatCompletion {
  /** Identifies the answer. */
  readonly id: string;
  /** Always `"chat.completion"`. */
  readonly object: "chat.completion";
  /** When the answer began, in seconds since the epoch. */
  readonly created: number;
  /** The model that answered. */
  readonly model: string;
  /** The answers, one unless the request asks for more. */
  readonly choices: readonly ChatCompletionChoice[];
  /** What the answer cost, if the provider says so. */
  readonly usage?: ChatUsage;
  /** Any other field that a provider sends. */
  readonly [field: string]: unknown;
}

/** One answer of a {@linkcode ChatCompletion}. */
export interface ChatCompletionChoice {
  /** Which of several answers it is, from 0. */
  readonly index: number;
  /** The answer. */
  readonly message: ChatCompletionMessage;
  /** Why the answer ends: `"stop"`, `"length"`, `"tool_calls"`, … */
  readonly finish_reason: string;
  /** The probabilities of the tokens, if they were asked for. */
  readonly logprobs: unknown;
  /** Any other field that a provider sends. */
  readonly [field: string]: unknown;
}

/** The message of a {@linkcode ChatCompletionChoice}. */
export interface ChatCompletionMessage {
  /** Usually `"assistant"`. */
  readonly role: string;
  /** The text; `null` if there is none. */
  readonly content: string | null;
  /** Why the model refuses to answer; `null` if it does not. */
  readonly refusal: string | null;
  /** Any other field: reasoning, tool calls, audio, images. */
  readonly [field: string]: unknown;
}

/**
 * Reads a stream of chunks to its end and folds it into one `chat.completion`:
 * text, reasoning, refusals, calls of tools by their index, several choices, log
 * probabilities, audio, images and usage.
 *
 * @param stream The chunks, for instance those of `fallbackStream`.
 * @returns The whole answer. It rejects with what the stream throws.
 *
 * @example Usage
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { collectChat } from "@fallback/stream/gateway";
 * import { openaiModel } from "@fallback/stream/openai";
 * import { fakeProvider } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const { fetch } = fakeProvider(["Good ", "morning"]);
 * const models = [openaiModel({ model: "fake", fetch })];
 *
 * const messages = [{ role: "user", content: "Say good morning." }];
 * const answer = await collectChat(await fallbackStream(models, { messages }));
 * assertEquals(answer.choices[0]?.message.content, "Good morning");
 * ```
 *
 * @throws {TypeError} If `stream` is not async iterable.
 */
export async function collectChat(
  stream: AsyncIterable<ChatChunk>,
): Promise<ChatCompletion> {
  assertAsyncIterable("stream", stream);
  const choices = new Map<number, Choice>();
  let fields: Record<string, unknown> = {};
  for await (const chunk of stream) {
    const { choices: parts, ...rest } = chunk;
    for (const [name, value] of Object.entries(rest)) {
      const isKept = Object.hasOwn(fields, name) && name !== "usage" &&
        name !== "model";
      if (!isKept && value !== null && value !== undefined && value !== "") {
        fields = { ...fields, [name]: value };
      }
    }
    for (const part of parts) {
      const index = part.index ?? 0;
      const choice = choices.get(index) ?? newChoice();
      choices.set(index, choice);
      addToChoice(choice, part);
    }
  }
  const { id, created, model, ...others } = fields;
  return {
    ...others,
    id: String(id ?? `chatcmpl-${crypto.randomUUID()}`),
    object: "chat.completion",
    created: Number(created ?? Math.floor(Date.now() / 1000)),
    model: String(model ?? ""),
    choices: [...choices].sort(([a], [b]) => a - b).map(toChoice),
  };
}

interface Choice {
  readonly message: Record<string, unknown>;
  readonly others: Record<string, unknown>;
}

function newChoice(): Choice {
  return { message: {}, others: {} };
}

function addToChoice(
  { message, others }: Choice,
  { index: _, delta, ...rest }: ChatChunk["choices"][number],
): void {
  mergeDelta(message, delta ?? {});
  const { logprobs, ...fields } = rest;
  for (const [name, value] of Object.entries(fields)) {
    if (value !== null && value !== undefined) others[name] = value;
  }
  if (logprobs) {
    others.logprobs ??= {};
    mergeDelta(others.logprobs as Record<string, unknown>, logprobs);
  }
}

function toChoice(
  [index, { message, others }]: [number, Choice],
): ChatCompletionChoice {
  const { role, content, refusal, ...rest } = message;
  const hasCalls = rest.tool_calls !== undefined;
  return {
    ...others,
    index,
    message: {
      role: typeof role === "string" ? role : "assistant",
      content: toContent(content),
      refusal: refusal as string ?? null,
      ...rest,
    },
    logprobs: others.logprobs ?? null,
    finish_reason: String(
      others.finish_reason ?? (hasCalls ? "tool_calls" : "stop"),
    ),
  };
}

/** A list of parts that are all text is one text. */
function toContent(content: unknown): string | null {
  if (!Array.isArray(content)) return content as string ?? null;
  const texts = content.map((part) =>
    part?.type === "text" ? part.text : undefined
  );
  const isText = texts.every((text) => typeof text === "string");
  return isText ? texts.join("") : content as unknown as string;
}
