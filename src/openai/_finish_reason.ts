// What a server means by `finish_reason`. OpenAI has five values; other servers
// add their own, and some of those say that the answer broke off.

import { statusOfCode } from "./_error_status.ts";

/** Values that mean failure: the server gave up in the middle of the answer. */
const FAILURES: ReadonlySet<string> = new Set([
  // Zhipu, vLLM and SGLang, Gemini
  "network_error",
  "abort",
  "aborted",
  "malformed_function_call",
  "malformed_response",
  "unexpected_tool_call",
  "too_many_tool_calls",
  // gateways
  "cancel",
  "canceled",
  "cancelled",
  "connection_closed",
  "connection_lost",
  "connection_reset",
  "crash",
  "crashed",
  "disconnect",
  "disconnected",
  "exception",
  "fail",
  "failed",
  "failure",
  "incomplete",
  "interrupt",
  "interrupted",
  "killed",
  "out_of_memory",
  "shutdown",
  "terminated",
]);

/** Values that mean failure, with the HTTP status that they amount to. */
const STATUSES: Readonly<Record<string, number>> = {
  insufficient_system_resource: 503,
  capacity: 503,
  no_capacity: 503,
  engine_overloaded: 503,
  evicted: 503,
  overload: 503,
  overloaded: 503,
  preempted: 503,
  server_overloaded: 503,
  service_unavailable: 503,
  unavailable: 503,
  insufficient_quota: 429,
  quota_exceeded: 429,
  rate_limit: 429,
  rate_limit_exceeded: 429,
  rate_limited: 429,
  throttled: 429,
  deadline_exceeded: 504,
  time_limit: 504,
  timed_out: 504,
  timeout: 504,
};

/** Values that mean: a filter has withheld the answer or the rest of it. */
const FILTERS: ReadonlySet<string> = new Set([
  "content_filter",
  "content_filtered",
  "content_moderation",
  "content_policy_violation",
  // Zhipu, Cohere, Anthropic, Bedrock
  "sensitive",
  "error_toxic",
  "refusal",
  "guardrail_intervened",
  // Gemini
  "safety",
  "image_safety",
  "recitation",
  "language",
  "blocklist",
  "prohibited_content",
  "spii",
  // gateways
  "flagged",
  "moderated",
  "moderation",
  "policy_violation",
]);

/** Values that are too common to be worth logging. */
const USUAL: ReadonlySet<string> = new Set([
  "stop",
  "length",
  "tool_calls",
  "function_call",
  "content_filter",
]);

/** A failing `finish_reason`. */
export interface FinishFailure {
  readonly reason: string;
  /** The HTTP status that it corresponds to. */
  readonly status: number | undefined;
}

/**
 * A `finish_reason` as a string. SGLang also sends an object whose `type` is the
 * reason, and KoboldCpp the text "null".
 *
 * @returns The reason as it was sent; empty while the answer goes on.
 */
export function finishReasonText(reason: unknown): string {
  if (!reason || reason === "null") return "";
  const { type } = Object(reason);
  return typeof type === "string" ? type : String(reason);
}

/**
 * Whether a reason means that the answer is incomplete: a value of the tables
 * above, or one that contains `error`. Unknown reasons end the answer.
 */
export function finishFailure(reason: string): FinishFailure | undefined {
  for (const key of keysOf(reason)) {
    if (FILTERS.has(key)) continue;
    // As a code of an error, "aborted" would be a conflict with other requests.
    if (FAILURES.has(key)) return { reason, status: undefined };
    const status = Object.hasOwn(STATUSES, key) ? STATUSES[key] : undefined;
    const isFailure = status !== undefined || /(?:^|_)error(?:_|$)/.test(key);
    if (isFailure) return { reason, status: status ?? statusOfCode(key) };
  }
  return undefined;
}

/** Whether a reason says that a filter has withheld the answer. */
export function isFiltered(reason: string): boolean {
  return keysOf(reason).some((key) => FILTERS.has(key));
}

/**
 * A reason as it is spelled in the tables. Gemini sends two in one string:
 * `function_call_filter: MALFORMED_FUNCTION_CALL`.
 */
function keysOf(reason: string): string[] {
  return reason.split(":").map((part) =>
    part.trim().toLowerCase().replace(/[\s.-]+/g, "_")
  );
}

/** Whether a reason is one of OpenAI's. */
export function isUsual(reason: string): boolean {
  return USUAL.has(reason);
}
