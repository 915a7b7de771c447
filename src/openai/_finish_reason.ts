// What a server means by `finish_reason`. OpenAI has five values; other servers
// add their own, and some of those say that the answer broke off.

/**
 * Values that mean failure: the server gave up in the middle of the answer. To
 * each the HTTP status that it amounts to, where one is meant. From DeepSeek,
 * Zhipu, vLLM, SGLang, Gemini, Cohere, OpenRouter and gateways.
 */
const FAILURES: Readonly<Record<string, number | undefined>> = {
  error: undefined,
  insufficient_system_resource: 503,
  network_error: undefined,
  abort: undefined,
  aborted: undefined,
  cancel: undefined,
  canceled: undefined,
  cancelled: undefined,
  disconnect: undefined,
  disconnected: undefined,
  exception: undefined,
  fail: undefined,
  failed: undefined,
  failure: undefined,
  interrupt: undefined,
  interrupted: undefined,
  malformed_function_call: undefined,
  malformed_response: undefined,
  unexpected_tool_call: undefined,
  preempted: 503,
  overload: 503,
  overloaded: 503,
  server_overloaded: 503,
  engine_overloaded: 503,
  unavailable: 503,
  service_unavailable: 503,
  rate_limit: 429,
  rate_limited: 429,
  rate_limit_exceeded: 429,
  timeout: 504,
  timed_out: 504,
  time_limit: 504,
  deadline_exceeded: 504,
};

/** Values that mean: a filter has withheld the answer or the rest of it. */
const FILTERS: ReadonlySet<string> = new Set([
  "content_filter",
  "content_filtered",
  "content-filter",
  "sensitive",
  "safety",
  "image_safety",
  "recitation",
  "language",
  "blocklist",
  "prohibited_content",
  "spii",
  "error_toxic",
  "moderation",
  "guardrail_intervened",
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
 * Whether a word says that the answer broke off: a value of the table above, or
 * one that ends with `error`. Unknown words end the answer.
 */
export function finishFailure(word: string): FinishFailure | undefined {
  const key = word.toLowerCase();
  // The usual case, at every end of an answer.
  if (key === "stop" || key === "") return undefined;
  if (Object.hasOwn(FAILURES, key)) {
    return { reason: word, status: FAILURES[key] };
  }
  return /(?:^|[^a-z])error$|^error[^a-z]/.test(key) && !FILTERS.has(key)
    ? { reason: word, status: undefined }
    : undefined;
}

/** Whether a word says that a filter has withheld the answer. */
export function isFiltered(word: string): boolean {
  return FILTERS.has(word.toLowerCase());
}

/** Whether a word is one of OpenAI's. */
export function isUsual(word: string): boolean {
  return USUAL.has(word);
}
