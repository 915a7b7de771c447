/**
 * Whether a chunk ends a complete answer.
 *
 * @module
 */

import { type ChatChunkLike, isDoneChunk } from "./_chat.ts";
import { finishFailure, finishReasonText } from "./_finish_reason.ts";

/**
 * Whether a chunk ends a complete answer: it has a `finish_reason` which does
 * not say that the answer broke off. Values that mean failure, such as
 * `"error"`, `"abort"`, `"network_error"` and `"insufficient_system_resource"`,
 * are not final. Unknown values are.
 *
 * It also works with the chunks of other clients of this protocol, such as
 * `npm:openai` and `npm:groq-sdk`. Of several choices (`n`) one is enough here;
 * the stream of `openaiModel` waits for all of them.
 *
 * @param chunk A chunk.
 * @returns Whether the answer is complete.
 *
 * @example Usage
 * ```ts
 * import { isFinal } from "@fallback/stream/openai";
 * import { assert } from "@std/assert";
 *
 * assert(isFinal({ choices: [{ delta: {}, finish_reason: "stop" }] }));
 * assert(!isFinal({ choices: [{ delta: {}, finish_reason: "abort" }] }));
 * ```
 */
export function isFinal(chunk: ChatChunkLike): boolean {
  const { choices } = chunk;
  if (!Array.isArray(choices)) return false;
  for (const choice of choices) {
    const reason = finishReasonText(choice?.finish_reason);
    if (reason !== "" && !finishFailure(reason)) return true;
  }
  return isDoneChunk(chunk);
}
