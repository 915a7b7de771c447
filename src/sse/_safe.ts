// What may be said to the outside: an error of a provider can hold its answer,
// a key or a stack, so only our own errors speak for themselves.

import {
  AllModelsFailedError,
  CircuitOpenError,
  EmptyStreamError,
  messageOf,
  ModelTimeoutError,
  TruncatedStreamError,
} from "../errors.ts";
import { statusOf } from "../on_status.ts";

const PLAIN = [
  CircuitOpenError,
  EmptyStreamError,
  ModelTimeoutError,
  TruncatedStreamError,
];

/** An error in words that give nothing away. */
export function safeMessage(error: unknown): string {
  if (PLAIN.some((ours) => error instanceof ours)) return messageOf(error);
  if (error instanceof AllModelsFailedError) return "all models failed";
  const status = statusOf(error);
  return status === undefined
    ? "the model failed"
    : `the model failed with status ${status}`;
}
