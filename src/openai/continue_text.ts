/**
 * The request that lets another model continue a text.
 *
 * @module
 */

import { assertArgument, assertOptions } from "../_shared/arguments.ts";
import { isMoreThanText } from "./_answer_text.ts";
import type { ChatChunk, ChatMessage, ChatRequest } from "./_chat.ts";

/**
 * How a model is made to continue a text:
 *
 * - `"prefill"`: the text is the beginning of the assistant's answer, as the
 *   last message. Some servers refuse that, others take it for a finished turn.
 * - `"ask"`: after that message comes a user's turn that asks to continue.
 */
export type Continuation = "prefill" | "ask";

/** Options of {@linkcode continueText}. */
export interface ContinueTextOptions {
  /**
   * How the next model is made to continue.
   *
   * @default {"prefill"}
   */
  readonly as?: Continuation | undefined;
}

const ASK =
  "Your last message was cut off. Continue it exactly where it stops, even in the middle of a word. Write only what follows: repeat nothing and add no introduction.";

/**
 * The usual continuation of a text that was cut off, for `resume` of
 * `./continue`: the original messages and the text so far, as the beginning of
 * the assistant's answer.
 *
 * @param request The original request.
 * @param chunks The chunks that were delivered so far.
 * @param options How the next model is made to continue.
 * @returns The request for the next model: the same one while no text has come.
 * `undefined` where there is more than text: once the call of a tool or a
 * function, a refusal, audio, an image, or a second answer has begun.
 *
 * @example Usage
 * ```ts
 * import { continueStream } from "@fallback/stream/continue";
 * import { continueText, openaiModel } from "@fallback/stream/openai";
 * import { fakeProvider, step } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const cut = fakeProvider(["Once upon", step.fail(new Error("reset"))]);
 * const next = fakeProvider([" a time."]);
 * const models = [cut, next].map(({ fetch }, i) =>
 *   openaiModel({ model: `model-${i}`, fetch, streamOptions: false })
 * );
 *
 * const messages = [{ role: "user", content: "Tell me a story" }];
 * await using stream = await continueStream(models, { messages }, {
 *   resume: ({ request, chunks }) => continueText(request, chunks),
 * });
 * let text = "";
 * for await (const { choices } of stream) {
 *   text += choices[0]?.delta?.content ?? "";
 * }
 * assertEquals(text, "Once upon a time.");
 * assertEquals(next.calls[0]?.body, {
 *   messages: [...messages, { role: "assistant", content: "Once upon" }],
 *   model: "model-1",
 *   stream: true,
 * });
 * ```
 *
 * @throws {TypeError} If `as` is neither `"prefill"` nor `"ask"`.
 */
export function continueText(
  request: ChatRequest,
  chunks: readonly ChatChunk[],
  options: ContinueTextOptions = {},
): ChatRequest | undefined {
  assertOptions("options", options, { as: true });
  const { as = "prefill" } = options;
  assertContinuation("options.as", as);
  const text = textOf(chunks);
  if (text === undefined) return undefined;
  // Some servers refuse an answer that begins with or ends in white space.
  const message: ChatMessage = { role: "assistant", content: text.trimEnd() };
  if (message.content === "") return request;
  const prefilled = { ...request, messages: [...request.messages, message] };
  return as === "ask" ? askToContinue(prefilled) : prefilled;
}

/** Checks an option that says how a model is made to continue. */
export function assertContinuation(name: string, value: unknown): void {
  const ok = value === "prefill" || value === "ask";
  assertArgument(ok, name, 'be "prefill" or "ask"', value);
}

/** The text of all chunks; `undefined` if there is something else, too. */
function textOf(chunks: readonly ChatChunk[]): string | undefined {
  let text = "";
  for (const { choices } of chunks) {
    for (const choice of choices) {
      if (isMoreThanText(choice)) return undefined;
      text += choice.delta?.content ?? "";
    }
  }
  return text;
}

/** Whether a request ends with the beginning of the assistant's answer. */
export function isPrefill({ messages }: ChatRequest): boolean {
  const last = messages.at(-1);
  return last?.role === "assistant" && !last.tool_calls?.length &&
    last.content !== undefined && last.content !== null;
}

/** Adds to a request that ends with an assistant's turn a turn of the user. */
export function askToContinue(request: ChatRequest): ChatRequest {
  const turn: ChatMessage = { role: "user", content: ASK };
  return { ...request, messages: [...request.messages, turn] };
}
