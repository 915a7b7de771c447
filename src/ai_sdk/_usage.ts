// The tokens that parts of an AI SDK stream report.

import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { getProperty } from "../_shared/safe_access.ts";
import type { Usage } from "../types/attempt.ts";

/** The tokens in a part: of its `finish`, or of Anthropic's first event. */
export function usage(part: LanguageModelV4StreamPart): Usage | undefined {
  if (part.type === "finish") return toUsage(part.usage);
  if (part.type !== "custom") return undefined;
  for (const metadata of Object.values(part.providerMetadata ?? {})) {
    const reported = getProperty(metadata, "usage");
    if (Object(reported) === reported) return fromAnthropic(reported);
  }
  return undefined;
}

/**
 * Usage of versions 3 and 4, whose counts are objects, or of their betas, whose
 * counts are numbers.
 */
export function toUsage(reported: unknown): Usage {
  const input = getProperty(reported, "inputTokens");
  const output = getProperty(reported, "outputTokens");
  return definedCounts({
    inputTokens: getProperty(input, "total") ?? input,
    outputTokens: getProperty(output, "total") ?? output,
    totalTokens: getProperty(reported, "totalTokens"),
    cachedInputTokens: getProperty(input, "cacheRead") ??
      getProperty(reported, "cachedInputTokens"),
    reasoningTokens: getProperty(output, "reasoning") ??
      getProperty(reported, "reasoningTokens"),
  });
}

/** Anthropic counts tokens from and for the cache beside the input tokens. */
function fromAnthropic(reported: unknown): Usage {
  const cached = getProperty(reported, "cache_read_input_tokens");
  const parts = [
    getProperty(reported, "input_tokens"),
    cached,
    getProperty(reported, "cache_creation_input_tokens"),
  ].filter((count) => typeof count === "number");
  return definedCounts({
    inputTokens: parts.length > 0
      ? parts.reduce((sum, count) => sum + count)
      : undefined,
    outputTokens: getProperty(reported, "output_tokens"),
    cachedInputTokens: cached,
  });
}

function definedCounts(counts: Partial<Record<keyof Usage, unknown>>): Usage {
  return Object.fromEntries(
    Object.entries(counts).filter(([, count]) => typeof count === "number"),
  );
}
