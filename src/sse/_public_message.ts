// What may be said to the outside: an error of a provider can hold its answer,
// a key or a stack, so only our own errors speak for themselves.

import { messageOf } from "../_shared/error_text.ts";
import { AllModelsFailedError, isFallbackError } from "../errors.ts";
import { statusOf } from "../_shared/http_status.ts";

/** An error in words that give nothing away. */
export function publicMessage(error: unknown): string {
  // It quotes the errors of all models.
  if (error instanceof AllModelsFailedError) return "all models failed";
  if (isFallbackError(error)) return messageOf(error);
  const status = statusOf(error);
  return status === undefined
    ? "the model failed"
    : `the model failed with status ${status}`;
}
