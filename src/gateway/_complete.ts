// A chat completion: from a checked request to the response.

import { isInstance } from "../_shared/safe_access.ts";
import { attemptsOf } from "../attempts_of.ts";
import { parseModels } from "../engine/chain.ts";
import type { ChatChunk } from "../openai/mod.ts";
import type { FallbackStream } from "../types/stream.ts";
import type { GatewayCall } from "./_call.ts";
import type { ChatCall } from "./_chat_fields.ts";
import { toGatewayError, toInterruption } from "./_failure.ts";
import { GatewayError } from "./_gateway_error.ts";
import { openAnswer } from "./_open_answer.ts";
import { streamResponse, wholeResponse } from "./chat_response.ts";
import { collectChat } from "./collect_chat.ts";
import type { ParsedModels, ResolvedOptions } from "./options.ts";

type Answer = FallbackStream<ChatChunk>;

/** Opens the chain that the request names, and answers. */
export async function complete(
  chat: ChatCall,
  call: GatewayCall,
  headers: Headers,
  options: ResolvedOptions,
): Promise<Response> {
  const models = modelsFor(chat, options);
  call.model = chat.model;
  const opening = openAnswer(models, chat.request, options, call.signal);
  if (!chat.stream) return await whole(await opening, call, headers, options);
  const { heartbeatMs } = options;
  const answer = heartbeatMs === 0
    ? await opening
    : await settledWithin(heartbeatMs, opening);
  return streamed(answer ?? opening, chat, call, headers, options);
}

/** The models behind a name. */
function modelsFor(
  { model, request }: ChatCall,
  { models }: ResolvedOptions,
): ParsedModels {
  const chain = Object.hasOwn(models, model) ? models[model] : undefined;
  if (chain === undefined) throw modelNotFound(model);
  return typeof chain === "function" ? parseModels(chain(request)) : chain;
}

export function modelNotFound(model: string): GatewayError {
  return new GatewayError(
    404,
    `The model '${model.slice(0, 100)}' does not exist.`,
    { code: "model_not_found", param: "model" },
  );
}

/** The value of a promise, or `undefined` if it takes longer than `ms`. */
async function settledWithin<T>(
  ms: number,
  promise: Promise<T>,
): Promise<T | undefined> {
  const { promise: timeout, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), ms);
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

async function whole(
  answer: Answer,
  call: GatewayCall,
  headers: Headers,
  options: ResolvedOptions,
): Promise<Response> {
  call.attempts = answer.attempts;
  let completion: object;
  try {
    completion = await collectChat(answer);
  } catch (error) {
    throw toInterruption(error);
  }
  exposeModel(answer, headers, options);
  const response = wholeResponse(completion, headers);
  call.end(200);
  return response;
}

function streamed(
  answer: Answer | Promise<Answer>,
  { includeUsage }: ChatCall,
  call: GatewayCall,
  headers: Headers,
  options: ResolvedOptions,
): Response {
  const note = (opened: Answer) => {
    call.attempts = opened.attempts;
    return opened;
  };
  const isOpen = !(answer instanceof Promise);
  if (isOpen) exposeModel(note(answer), headers, options);
  const source = isOpen ? answer : answer.then(note);
  // The body may be canceled before it awaits the promise.
  if (source instanceof Promise) source.catch(() => {});
  return streamResponse(source, {
    includeUsage,
    heartbeatMs: options.heartbeatMs,
    toError: (error) => {
      const hasBegun = call.attempts !== undefined;
      return hasBegun ? toInterruption(error) : toChainError(error);
    },
    onCancel: call.leave,
    onEnd: (error) => call.end(200, error),
  }, headers);
}

/** The answer to an error before the first content. */
export function toChainError(error: unknown): GatewayError {
  if (isInstance(error, GatewayError)) return error;
  // Without attempts, it is a mistake in the operator's code.
  if (attemptsOf(error).length === 0) {
    return new GatewayError(500, "The gateway has an internal error.", {
      code: "internal_error",
    });
  }
  return toGatewayError(error);
}

/** Adds the name of the model, in characters that a header can have. */
function exposeModel(
  { model, attempts }: Answer,
  headers: Headers,
  { exposeModels }: ResolvedOptions,
): void {
  if (!exposeModels) return;
  headers.set(
    "x-fallback-model",
    model.toWellFormed().replace(/[^!-$&-~]/gu, encodeURIComponent),
  );
  headers.set("x-fallback-attempts", `${attempts.length}`);
}
