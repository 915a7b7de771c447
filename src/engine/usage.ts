// The tokens that a model reports (R23).

import { getProperty } from "../_shared/safe_access.ts";
import type { Usage } from "../types/attempt.ts";

const FIELDS: Readonly<Record<keyof Usage, true>> = {
  inputTokens: true,
  outputTokens: true,
  totalTokens: true,
  cachedInputTokens: true,
  reasoningTokens: true,
};

/** The fields of a {@linkcode Usage}. */
export const USAGE_FIELDS = Object.keys(FIELDS) as (keyof Usage)[];

/**
 * Merges a report into what was reported before, field by field. Numbers that
 * are negative or not finite are ignored.
 *
 * @returns A new object, or `before` if the report says nothing.
 */
export function mergeUsage(
  before: Usage | undefined,
  report: unknown,
): Usage | undefined {
  let merged = before;
  for (const field of USAGE_FIELDS) {
    const value = getProperty(report, field);
    if (typeof value !== "number" || !(value >= 0 && value < Infinity)) {
      continue;
    }
    if (merged === before) merged = { ...before };
    merged![field] = value;
  }
  return merged;
}
