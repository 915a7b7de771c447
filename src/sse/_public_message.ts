// The error messages that a client may see. An error of a provider can hold its
// answer, a key or a stack, so only the messages of this module's own errors are
// shown.

import { messageOf } from "../_shared/error_text.ts";
import { statusOf } from "../_shared/http_status.ts";
import { isInstance } from "../_shared/safe_access.ts";
import { AllModelsFailedError, isFallbackError } from "../errors.ts";

/** A message about an error without any text of a provider. */
export function publicMessage(error: unknown): string {
  // Its message quotes the errors of all models.
  if (isInstance(error, AllModelsFailedError)) return "All models failed";
  if (isFallbackError(error)) return messageOf(error);
  const status = statusOf(error);
  return status === undefined
    ? "The model failed"
    : `The model failed with status ${status}`;
}
