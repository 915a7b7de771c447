/**
 * Whether a chunk carries a part of the answer.
 *
 * @module
 */

import type { ChatChunkLike } from "./_chat.ts";

/**
 * Fields of a delta, and of the objects in it, that are not a part of the answer:
 * the role, numbers and names, how the answer ends, its sources, its cost.
 * Every other field is treated as a part of the answer, because servers keep
 * inventing fields: images, reasoning, refusals, transcripts, artifacts.
 */
const METADATA: ReadonlySet<string> = new Set([
  "role",
  "name",
  "id",
  "index",
  "type",
  "object",
  "created",
  "created_at",
  "timestamp",
  "model",
  "provider",
  "format",
  "status",
  "signature",
  "tool_call_id",
  "finish_reason",
  "stop_reason",
  "native_finish_reason",
  "end_turn",
  "logprobs",
  "usage",
  "metadata",
  "provider_specific_fields",
  "content_filter_results",
  "context",
  "annotations",
  "citations",
  "search_results",
  "documents",
  "error",
]);

/** Fields that carry the answer itself, where a number is a token of it. */
const TEXT: ReadonlySet<string> = new Set([
  "content",
  "text",
  "reasoning",
  "reasoning_content",
  "refusal",
]);

/** Fields that begin something even where they are still empty. */
const OBJECTS: ReadonlySet<string> = new Set([
  "tool_calls",
  "function_call",
  "audio",
]);

/** How deep a value is looked into. */
const MAX_DEPTH = 6;

/**
 * Whether a chunk proves that the model is answering: text, reasoning, a
 * refusal, audio, an image, the call of a tool, or whatever else a server puts
 * into a delta. A role, empty strings and lists, log probabilities, citations
 * and usage are not content.
 *
 * It also works with the chunks of other clients of this protocol, such as
 * `npm:openai` and `npm:groq-sdk`.
 *
 * @param chunk A chunk.
 * @returns Whether it carries content.
 *
 * @example Usage
 * ```ts
 * import { isContent } from "@fallback/stream/openai";
 * import { assert } from "@std/assert";
 *
 * assert(isContent({ choices: [{ delta: { content: "Hi" } }] }));
 * assert(!isContent({ choices: [{ delta: { role: "assistant", content: "" } }] }));
 * ```
 */
export function isContent(chunk: ChatChunkLike): boolean {
  const { choices } = chunk;
  if (!Array.isArray(choices)) return false;
  for (const choice of choices) {
    if (choice && hasContent(choice.delta ?? choice.message)) return true;
  }
  return false;
}

function hasContent(delta: unknown): boolean {
  if (typeof delta !== "object" || delta === null) return false;
  // Other clients may have chunks whose fields are getters of a class.
  const { content } = delta as { content?: unknown };
  if (typeof content === "string" && content !== "") return true;
  for (const [field, value] of Object.entries(delta)) {
    if (METADATA.has(field)) continue;
    if (OBJECTS.has(field)) {
      if (Array.isArray(value) ? value.length > 0 : value) return true;
    } else if (isFilled(value, TEXT.has(field), 0)) {
      return true;
    }
  }
  return false;
}

/**
 * Whether a value says something. A list or an object does if any part of it
 * does that is not metadata.
 *
 * @param isText Whether a number or boolean is a token: `{"content":0}`.
 */
function isFilled(value: unknown, isText: boolean, depth: number): boolean {
  if (typeof value === "string") return value !== "";
  if (typeof value !== "object" || value === null) {
    return isText && value !== undefined && value !== null;
  }
  if (depth > MAX_DEPTH) return true;
  if (Array.isArray(value)) {
    return value.some((part) => isFilled(part, isText, depth + 1));
  }
  const parts = Object.entries(value)
    .filter(([field]) => !METADATA.has(field));
  // `[{ "type": "thinking" }]` begins something.
  if (parts.length === 0) return isText && "type" in value;
  return parts.some(([, part]) => isFilled(part, false, depth + 1));
}
