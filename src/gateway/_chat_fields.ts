// The fields of a chat completion request: which of them are ours, which reach a
// provider, and which are refused.

import type { ChatRequest } from "../openai/mod.ts";
import { GatewayError } from "./_gateway_error.ts";

/** The gateway's own: a provider gets them from its model. */
export const OWN_FIELDS: readonly string[] = [
  "model",
  "stream",
  "stream_options",
];

/** Dropped, because they concern the account of the operator. */
const ACCOUNT_FIELDS: readonly string[] = [
  "service_tier",
  "store",
  "metadata",
  "user",
];

/** The other fields of OpenAI's reference of chat completions. */
const PASSED_FIELDS: readonly string[] = [
  "messages",
  "audio",
  "frequency_penalty",
  "function_call",
  "functions",
  "logit_bias",
  "logprobs",
  "max_completion_tokens",
  "max_tokens",
  "modalities",
  "moderation",
  "n",
  "parallel_tool_calls",
  "prediction",
  "presence_penalty",
  "prompt_cache_key",
  "prompt_cache_options",
  "prompt_cache_retention",
  "reasoning_effort",
  "response_format",
  "safety_identifier",
  "seed",
  "stop",
  "temperature",
  "tool_choice",
  "tools",
  "top_logprobs",
  "top_p",
  "verbosity",
  "web_search_options",
];

/** A request of a client, checked. */
export interface ChatCall {
  /** The name of the chain. */
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** What the models get. */
  readonly request: ChatRequest;
}

/** The options that concern the fields. */
export interface FieldOptions {
  readonly allowFields: readonly string[];
  readonly maxTokens: number | undefined;
}

/**
 * Checks the fields of a request.
 *
 * @throws {GatewayError} 400, with the field as `param`.
 */
export function parseChatCall(
  body: Readonly<Record<string, unknown>>,
  { allowFields, maxTokens }: FieldOptions,
): ChatCall {
  const { model, stream, stream_options } = body;
  if (typeof model !== "string" || model === "") {
    throw invalid("model", "must be the name of a model");
  }
  if (!isBooleanOrMissing(stream)) throw invalid("stream", "must be a boolean");
  const includeUsage = parseStreamOptions(stream_options);
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    if (PASSED_FIELDS.includes(name) || allowFields.includes(name)) {
      fields[name] = value;
    } else if (!OWN_FIELDS.includes(name) && !ACCOUNT_FIELDS.includes(name)) {
      throw new GatewayError(
        400,
        `Unknown parameter: '${name.slice(0, 80)}'.`,
        {
          code: "unknown_parameter",
          param: name.slice(0, 80),
        },
      );
    }
  }
  checkMessages(fields.messages);
  limitTokens(fields, maxTokens);
  return {
    model,
    stream: stream === true,
    includeUsage,
    request: fields as unknown as ChatRequest,
  };
}

function parseStreamOptions(options: unknown): boolean {
  if (options === undefined || options === null) return false;
  const { include_usage } = Object(options);
  if (typeof options !== "object" || !isBooleanOrMissing(include_usage)) {
    throw invalid("stream_options", "must be an object with 'include_usage'");
  }
  return include_usage === true;
}

function checkMessages(messages: unknown): void {
  const isList = Array.isArray(messages) && messages.length > 0 &&
    messages.every((message) => typeof message?.role === "string");
  if (!isList) {
    throw invalid("messages", "must be a list of messages, each with a 'role'");
  }
}

/** Keeps what all answers together may cost below the limit of the gateway. */
function limitTokens(
  fields: Record<string, unknown>,
  maxTokens: number | undefined,
): void {
  const n = parseInteger(fields, "n") ?? 1;
  const limits = ["max_tokens", "max_completion_tokens"] as const;
  const given = limits.filter((name) =>
    parseInteger(fields, name) !== undefined
  );
  if (maxTokens === undefined) return;
  const each = Math.floor(maxTokens / n);
  if (each < 1) throw invalid("n", `must be at most ${maxTokens}`);
  // Most servers know the older one of the two fields.
  for (const name of given.length > 0 ? given : ["max_tokens"]) {
    fields[name] = Math.min(Number(fields[name] ?? each), each);
  }
}

function parseInteger(
  fields: Record<string, unknown>,
  name: string,
): number | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (Number.isSafeInteger(value) && Number(value) > 0) return Number(value);
  throw invalid(name, "must be a positive integer");
}

function isBooleanOrMissing(value: unknown): boolean {
  return value === undefined || value === null || typeof value === "boolean";
}

function invalid(param: string, rule: string): GatewayError {
  return new GatewayError(400, `'${param}' ${rule}.`, { param });
}
