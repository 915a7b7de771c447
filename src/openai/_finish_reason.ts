// What a server means by `finish_reason`. OpenAI has five values; other servers
// add their own, and some of those say that the answer broke off.

/** Values that mean failure: the server gave up in the middle of the answer. */
const FAILURES: ReadonlySet<string> = new Set([
  // DeepSeek, Zhipu, vLLM and SGLang, Gemini
  "insufficient_system_resource",
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

/** Values of which a log need say nothing. */
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
  /** The HTTP status that it amounts to. */
  readonly status: number | undefined;
}

/**
 * The word of a `finish_reason`, which is usually a string. SGLang also sends
 * an object with the word as `type`.
 *
 * @returns The word as it was sent; empty while the answer goes on.
 */
export function finishWord(reason: unknown): string {
  if (typeof reason === "string") return reason;
  if (!reason) return "";
  const { type } = Object(reason);
  return typeof type === "string" ? type : String(reason);
}

/**
 * Whether a word says that the answer broke off: a value of the tables above, or
 * one with `error` in it. Unknown words end the answer.
 */
export function finishFailure(word: string): FinishFailure | undefined {
  // The usual case, at the end of every answer.
  if (word === "stop") return undefined;
  for (const key of keysOf(word)) {
    if (FILTERS.has(key)) continue;
    const status = Object.hasOwn(STATUSES, key) ? STATUSES[key] : undefined;
    const isFailure = status !== undefined || FAILURES.has(key) ||
      /(?:^|_)error(?:_|$)/.test(key);
    if (isFailure) return { reason: word, status };
  }
  return undefined;
}

/** Whether a word says that a filter has withheld the answer. */
export function isFiltered(word: string): boolean {
  return keysOf(word).some((key) => FILTERS.has(key));
}

/**
 * A word as the tables have it. Gemini sends two of them in one:
 * `function_call_filter: MALFORMED_FUNCTION_CALL`.
 */
function keysOf(word: string): string[] {
  return word.split(":").map((part) =>
    part.trim().toLowerCase().replace(/[\s.-]+/g, "_")
  );
}

/** Whether a word is one of OpenAI's. */
export function isUsual(word: string): boolean {
  return USUAL.has(word);
}
