/**
 * The tokens that a chunk reports.
 *
 * @module
 */

import type { Usage } from "../types/attempt.ts";
import type { ChatChunkLike } from "./_chat.ts";

/** Token counts, in the spellings of all servers. */
interface Counts {
  readonly prompt_tokens?: unknown;
  readonly completion_tokens?: unknown;
  readonly total_tokens?: unknown;
  readonly prompt_tokens_details?: { readonly cached_tokens?: unknown } | null;
  readonly completion_tokens_details?:
    | { readonly reasoning_tokens?: unknown }
    | null;
  /** Of DeepSeek. */
  readonly prompt_cache_hit_tokens?: unknown;
  /** Of Moonshot. */
  readonly cached_tokens?: unknown;
  /** Of xAI and Perplexity. */
  readonly reasoning_tokens?: unknown;
}

/** Where else servers report usage. */
interface UsageHolder {
  readonly usage?: object | null;
  /** Of Groq. */
  readonly x_groq?: { readonly usage?: object | null } | null;
}

/**
 * The tokens that a chunk reports, in its `usage`, in Groq's `x_groq.usage`, or
 * in a choice as Moonshot does.
 *
 * It also reads the chunks of other clients of this protocol, such as
 * `npm:openai` and `npm:groq-sdk`.
 *
 * @param chunk A chunk.
 * @returns The tokens; `undefined` if the chunk reports none.
 *
 * @example Usage
 * ```ts
 * import { usage } from "@fallback/stream/openai";
 * import { assertEquals } from "@std/assert";
 *
 * const chunk = {
 *   choices: [],
 *   usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
 * };
 * assertEquals(usage(chunk), {
 *   inputTokens: 9,
 *   outputTokens: 3,
 *   totalTokens: 12,
 * });
 * ```
 */
export function usage(chunk: ChatChunkLike): Usage | undefined {
  const holder: UsageHolder = chunk;
  const first = chunk.choices?.[0] as UsageHolder | null | undefined;
  const counts = holder.usage ?? holder.x_groq?.usage ?? first?.usage;
  if (typeof counts !== "object" || counts === null) return undefined;
  const found = readCounts(counts);
  return Object.keys(found).length > 0 ? found : undefined;
}

function readCounts(counts: Counts): Usage {
  const fields = {
    inputTokens: counts.prompt_tokens,
    outputTokens: counts.completion_tokens,
    totalTokens: counts.total_tokens,
    cachedInputTokens: counts.prompt_tokens_details?.cached_tokens ??
      counts.prompt_cache_hit_tokens ?? counts.cached_tokens,
    reasoningTokens: counts.completion_tokens_details?.reasoning_tokens ??
      counts.reasoning_tokens,
  };
  const found: { -readonly [Field in keyof Usage]: number } = {};
  for (const [field, value] of Object.entries(fields)) {
    if (typeof value === "number") found[field as keyof Usage] = value;
  }
  return found;
}
