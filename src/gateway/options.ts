/**
 * The options of the gateway.
 *
 * @module
 */

import {
  assertArgument,
  assertBoolean,
  assertFunction,
  assertObject,
  assertOptions,
  type OptionNames,
  parseCount,
  parseDelay,
} from "../_shared/arguments.ts";
import {
  CHAIN_OPTION_NAMES,
  parseChain,
  parseModels,
} from "../engine/chain.ts";
import type { ModelsByRequest } from "../fallback_model.ts";
import type { ChatChunk, ChatRequest } from "../openai/mod.ts";
import type { Attempt, Usage } from "../types/attempt.ts";
import type { Model, ModelLike } from "../types/model.ts";
import type { FallbackOptions } from "../types/options.ts";
import { OWN_FIELDS } from "./_chat_fields.ts";

/** Models of the chat-completions protocol, in order of preference. */
export type ChatModels = readonly ModelLike<ChatRequest, ChatChunk>[];

/**
 * Decides who may use the gateway. A request is admitted only if the result is
 * exactly `true` or has an `id` that is a string.
 *
 * @param request The request; its body must not be read.
 * @returns `true`, the client, or `false`.
 */
export type Authorize = (
  request: Request,
) =>
  | boolean
  | { readonly id: string }
  | PromiseLike<boolean | { readonly id: string }>;

/** The result of one call. */
export interface CallReport {
  /** What the client got as `x-request-id`. */
  readonly requestId: string;
  /** The `id` that `authorize` gave. */
  readonly client: string | undefined;
  /** The `model` of the request. `undefined` if the request was invalid. */
  readonly model: string | undefined;
  /** The attempts. */
  readonly attempts: readonly Attempt[];
  /** The tokens of all attempts together. */
  readonly usage: Usage;
  /** The status of the response; 499 if the client has left. */
  readonly status: number;
  /** From the request to the end of the response, in milliseconds. */
  readonly durationMs: number;
  /** Why it failed. It may quote a provider: it is for logs only. */
  readonly error?: unknown;
}

/** Options of {@linkcode gateway}. */
export interface GatewayOptions {
  /**
   * By the name that clients send as `model`: the models in order of preference,
   * or a synchronous function that returns them for a request.
   */
  readonly models: Readonly<
    Record<string, ChatModels | ModelsByRequest<ChatRequest, ChatChunk>>
  >;
  /** Who may use it. {@linkcode bearerKeys} makes one; `"anyone"` admits all. */
  readonly authorize: Authorize | "anyone";
  /**
   * The options of each call. Unless `fallbackOn` is given, every failure falls
   * back but a refusal of the content.
   */
  readonly fallback?:
    | Omit<FallbackOptions<ChatRequest, ChatChunk>, "signal">
    | undefined;
  /**
   * Whether a text that broke off is continued by the next model.
   *
   * @default {false}
   */
  readonly continueCutAnswers?: boolean | undefined;
  /**
   * Fields of a request that reach the models beside those of OpenAI's
   * reference, for instance `"store"` or `"top_k"`.
   */
  readonly allowFields?: readonly string[] | undefined;
  /** The most tokens that all answers to a request may have. No limit by default. */
  readonly maxTokens?: number | undefined;
  /**
   * The largest body, in bytes.
   *
   * @default {20_971_520}
   */
  readonly maxBodyBytes?: number | undefined;
  /**
   * How long a body may take to arrive, in milliseconds.
   *
   * @default {10_000}
   */
  readonly bodyTimeoutMs?: number | undefined;
  /**
   * How many calls may run at once. One more gets 503.
   *
   * @default {1000}
   */
  readonly maxConcurrent?: number | undefined;
  /**
   * After how long without anything to send a comment is sent, in milliseconds;
   * 0 for never. A response starts at the latest when the first comment is due.
   *
   * @default {15_000}
   */
  readonly heartbeatMs?: number | undefined;
  /**
   * Whether responses name the model that answers (`x-fallback-model`) and the
   * number of attempts (`x-fallback-attempts`).
   *
   * @default {false}
   */
  readonly exposeModels?: boolean | undefined;
  /**
   * Called after each call, whether it has ended or the client has left. What it
   * throws or returns is ignored. See {@linkcode logCalls}.
   */
  readonly onCall?: ((report: CallReport) => unknown) | undefined;
}

const OPTION_NAMES: OptionNames<GatewayOptions> = {
  models: true,
  authorize: true,
  fallback: true,
  continueCutAnswers: true,
  allowFields: true,
  maxTokens: true,
  maxBodyBytes: true,
  bodyTimeoutMs: true,
  maxConcurrent: true,
  heartbeatMs: true,
  exposeModels: true,
  onCall: true,
};

/** A checked list of models. */
export type ParsedModels = readonly Model<ChatRequest, ChatChunk>[];

/** The checked {@linkcode GatewayOptions} with their defaults. */
export type ResolvedOptions =
  & Required<
    Omit<GatewayOptions, "models" | "maxTokens" | "onCall" | "allowFields">
  >
  & {
    readonly models: Readonly<
      Record<string, ParsedModels | ModelsByRequest<ChatRequest, ChatChunk>>
    >;
    readonly fallback: Omit<FallbackOptions<ChatRequest, ChatChunk>, "signal">;
    readonly allowFields: readonly string[];
    readonly maxTokens: number | undefined;
    readonly maxBodyBytes: number;
    readonly bodyTimeoutMs: number;
    readonly maxConcurrent: number;
    readonly heartbeatMs: number;
    readonly onCall: ((report: CallReport) => unknown) | undefined;
  };

/** Checks the options. */
export function parseOptions(options: GatewayOptions): ResolvedOptions {
  assertOptions("options", options, OPTION_NAMES);
  const { authorize, fallback = {}, allowFields = [], maxTokens } = options;
  const models = parseChains(options.models);
  assertArgument(
    authorize === "anyone" || typeof authorize === "function",
    "options.authorize",
    'be a function, such as bearerKeys() makes, or "anyone"',
    authorize,
  );
  const neverCalled: ChatModels = [() => Promise.reject()];
  renaming(
    "options",
    "options.fallback",
    () => parseChain(neverCalled, fallback, CHAIN_OPTION_NAMES),
  );
  assertArgument(
    Array.isArray(allowFields) &&
      allowFields.every((name) => typeof name === "string"),
    "options.allowFields",
    "be a list of strings",
    allowFields,
  );
  const own = allowFields.find((name) => OWN_FIELDS.includes(name));
  assertArgument(
    own === undefined,
    "options.allowFields",
    `not have the gateway's own ${OWN_FIELDS.join(", ")}`,
    own,
  );
  assertFunction("options.onCall", options.onCall);
  const { maxBodyBytes = 20 * 1024 * 1024, bodyTimeoutMs = 10_000 } = options;
  const { maxConcurrent = 1000, heartbeatMs = 15_000 } = options;
  return {
    models,
    authorize,
    fallback,
    allowFields,
    continueCutAnswers: parseFlag(options, "continueCutAnswers"),
    exposeModels: parseFlag(options, "exposeModels"),
    maxTokens: maxTokens === undefined
      ? undefined
      : parseCount("options.maxTokens", maxTokens),
    maxBodyBytes: parseCount("options.maxBodyBytes", maxBodyBytes),
    bodyTimeoutMs: parseDelay("options.bodyTimeoutMs", bodyTimeoutMs),
    maxConcurrent: parseCount("options.maxConcurrent", maxConcurrent),
    heartbeatMs: parseDelay("options.heartbeatMs", heartbeatMs),
    onCall: options.onCall,
  };
}

function parseChains(
  models: GatewayOptions["models"],
): ResolvedOptions["models"] {
  assertObject("options.models", models);
  const entries = Object.entries(models);
  assertArgument(
    entries.length > 0,
    "options.models",
    "have at least one model",
    models,
    RangeError,
  );
  return Object.fromEntries(entries.map(([name, chain]) => {
    if (typeof chain === "function") return [name, chain];
    const place = `options.models[${JSON.stringify(name)}]`;
    return [
      name,
      renaming(
        "models",
        place,
        () => parseModels<ChatRequest, ChatChunk>(chain),
      ),
    ];
  }));
}

/** Calls a check, in whose error an argument gets another name. */
function renaming<T>(from: string, to: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    const { constructor, message } = error as Error;
    const Kind = constructor as new (message: string) => Error;
    throw new Kind(message.replace(`'${from}`, `'${to}`));
  }
}

function parseFlag(
  options: GatewayOptions,
  name: "continueCutAnswers" | "exposeModels",
): boolean {
  const value = options[name] ?? false;
  assertBoolean(`options.${name}`, value);
  return value;
}
