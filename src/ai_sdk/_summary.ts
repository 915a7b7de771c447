// Attempts as JSON, for `providerMetadata`.

import type { JSONObject } from "@ai-sdk/provider";
import { nameAndMessage } from "../_shared/error_text.ts";
import type { Attempt } from "../types/attempt.ts";

/** The attempts, at the moment when the answer is known to be complete. */
export function summary(attempts: readonly Attempt[]): JSONObject {
  return { attempts: attempts.map(toJson) };
}

function toJson(attempt: Attempt): JSONObject {
  const { outcome, error, closeError, nested, usage, ...rest } = attempt;
  return {
    ...rest,
    // Its last part is being delivered, and only the end follows.
    outcome: outcome === "streaming" ? "completed" : outcome,
    ...("error" in attempt && { error: nameAndMessage(error) }),
    ...("closeError" in attempt && { closeError: nameAndMessage(closeError) }),
    ...(usage && { usage: { ...usage } }),
    ...(nested && { nested: nested.map(toJson) }),
  };
}
