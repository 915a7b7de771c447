// What may be said to the outside: an error of a provider can hold its answer,
// a key or a stack, so only our own errors speak for themselves.

import { AllModelsFailedError, isOurOwn, messageOf } from "../errors.ts";
import { statusOf } from "../on_status.ts";

/** An error in words that give nothing away. */
export function safeMessage(error: unknown): string {
  // It quotes the errors of all models.
  if (error instanceof AllModelsFailedError) return "all models failed";
  if (isOurOwn(error)) return messageOf(error);
  const status = statusOf(error);
  return status === undefined
    ? "the model failed"
    : `the model failed with status ${status}`;
}
