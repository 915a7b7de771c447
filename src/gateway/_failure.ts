// The response when a chain fails. The provider's message is passed on only for
// errors that the caller can fix; all others get a fixed message.

import { MAX_TIMEOUT_MS } from "../_shared/arguments.ts";
import {
  holdsForEach,
  MAX_DEPTH,
  nestedErrors,
  statusOf,
} from "../_shared/http_status.ts";
import { retryAfterOf } from "../_shared/retry_after.ts";
import { isInstance } from "../_shared/safe_access.ts";
import { ModelTimeoutError } from "../errors.ts";
import { contentRefusal, providerDetails } from "./_provider_details.ts";
import { GatewayError } from "./_gateway_error.ts";

/** Prevents retries of the `openai` clients: the chain has already retried. */
const NO_RETRY = { "x-should-retry": "false" };

/** Refusals that only the caller can fix, so the provider's reason is passed on. */
const EXPLAINED: readonly number[] = [400, 413, 422];

const SENTENCES: Readonly<Record<number, string>> = {
  400: "The model refused the request.",
  408: "The model took too long to receive the request.",
  409: "The request conflicts with another one.",
  413: "The request is too large for the model.",
  422: "The model cannot process the request.",
  429: "The rate limit of the model is exceeded.",
};

/** Whether a provider has refused the content, so no other model is tried. */
export function isContentRefusal(error: unknown): boolean {
  return holdsForEach(error, (each) => contentRefusal(each) !== undefined);
}

/** The answer to a call whose chain has failed before the first content. */
export function toGatewayError(error: unknown): GatewayError {
  const failures = [...leavesOf(error)];
  const refusals = failures.map(contentRefusal);
  if (refusals.every((code) => code !== undefined)) {
    return explained(400, failures, refusals[0]);
  }
  const status = statusOf(failures[0]);
  const isPassedOn = status !== undefined && status in SENTENCES &&
    failures.every((each) =>
      statusOf(each) === status && !isAccountFailure(each)
    );
  if (isPassedOn) {
    return EXPLAINED.includes(status)
      ? explained(status, failures)
      : new GatewayError(status, SENTENCES[status]!, {
        type: status === 429 ? "rate_limit_error" : "provider_error",
        code: status === 429 ? "rate_limit_exceeded" : null,
        headers: { ...NO_RETRY, ...retryAfter(error) },
      });
  }
  return unavailable(error, failures);
}

/**
 * Whether a provider refuses the key or the account of the operator, which some do
 * with a 400 (Gemini, Anthropic).
 */
function isAccountFailure(error: unknown): boolean {
  const { message } = providerDetails(error);
  return message !== undefined &&
    /\bapi[ _-]?key\b|\bcredit balance\b/i.test(message);
}

/** The failure of an answer that has already begun. */
export function toInterruption(error: unknown): GatewayError {
  const isTimeout = isInstance(error, ModelTimeoutError);
  return new GatewayError(
    isTimeout ? 504 : 502,
    isTimeout
      ? "The model stopped sending its answer."
      : "The answer broke off before it was complete.",
    {
      type: "provider_error",
      code: isTimeout ? "timeout" : "stream_interrupted",
      headers: NO_RETRY,
      cause: error,
    },
  );
}

function explained(
  status: number,
  failures: readonly unknown[],
  refusal?: string,
): GatewayError {
  const details = failures.map(providerDetails);
  const { message, type, param } = details[0]!;
  // An answer that was filtered has no message of the provider.
  const isFiltered = refusal !== undefined &&
    statusOf(failures[0]) === undefined;
  return new GatewayError(
    status,
    isFiltered
      ? "The model refused to answer because of its content filter."
      : message ?? SENTENCES[status]!,
    {
      type: isFiltered ? undefined : type,
      code: refusal ?? details[0]!.code,
      param,
      headers: NO_RETRY,
    },
  );
}

function unavailable(
  error: unknown,
  failures: readonly unknown[],
): GatewayError {
  const type = "provider_error";
  if (failures.every((each) => isInstance(each, ModelTimeoutError))) {
    return new GatewayError(504, "No model answered in time.", {
      type,
      code: "timeout",
      headers: NO_RETRY,
    });
  }
  const wait = retryAfter(error);
  return wait
    ? new GatewayError(503, "No model is available at the moment.", {
      type,
      code: "temporarily_unavailable",
      headers: { ...NO_RETRY, ...wait },
    })
    : new GatewayError(502, "No model could answer the request.", {
      type,
      code: "all_models_failed",
      headers: NO_RETRY,
    });
}

/** The shortest `Retry-After` of the failures, in whole seconds. */
function retryAfter(error: unknown): { "retry-after": string } | undefined {
  const ms = retryAfterOf(error);
  if (ms === undefined || ms > MAX_TIMEOUT_MS) return undefined;
  return { "retry-after": `${Math.ceil(ms / 1000)}` };
}

/** The failures of all models, also of nested chains. */
function* leavesOf(error: unknown, depth = 0): Generator<unknown> {
  const nested = depth > MAX_DEPTH ? undefined : nestedErrors(error);
  if (!nested) return yield error;
  for (const each of nested) yield* leavesOf(each, depth + 1);
}
