// The usual way to let another model go on: what was said so far is put into its
// mouth.

import type { ChatChunk, ChatRequest } from "./_chat.ts";

/**
 * The usual continuation of a text that was cut, for `resume` of
 * `./continue`: the original messages, then what was said so far as the
 * beginning of the assistant's answer. Models that take such a beginning for a
 * finished turn start anew or repeat themselves: try yours.
 *
 * @param request What was asked in the first place.
 * @param chunks What was delivered so far.
 * @returns The request for the next model: the same one while no text has come.
 * `undefined` where text is not all: once the call of a tool or a function, a
 * refusal, audio, or a second answer has begun.
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
 *   openaiModel({ model: `model-${i}`, fetch })
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
 */
export function continueText(
  request: ChatRequest,
  chunks: readonly ChatChunk[],
): ChatRequest | undefined {
  let text = "";
  for (const { index, delta } of chunks.flatMap(({ choices }) => choices)) {
    const { content, tool_calls, function_call, refusal, audio } = delta ?? {};
    const isMore = index || tool_calls?.length || function_call || refusal ||
      audio || (content && typeof content !== "string");
    if (isMore) return undefined;
    text += content ?? "";
  }
  if (text === "") return request;
  const said = { role: "assistant", content: text };
  return { ...request, messages: [...request.messages, said] };
}
