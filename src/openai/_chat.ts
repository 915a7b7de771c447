// The chat-completions protocol: requests and chunks.

/**
 * One message of a conversation. It may have further fields, which are passed
 * on as they are.
 */
export type ChatMessage =
  | ChatMessageFields
  // Beside the one above, for literals with fields that it does not name.
  | (ChatMessageFields & { readonly [field: string]: unknown });

/** The usual fields of a {@linkcode ChatMessage}. */
export interface ChatMessageFields {
  /** The author: `"system"`, `"user"`, `"assistant"`, `"tool"`, … */
  readonly role: string;
  /** The text, or a list of parts. */
  readonly content?: string | readonly object[] | null | undefined;
  /** Distinguishes authors of the same role. */
  readonly name?: string | undefined;
  /** The calls that the assistant made. */
  readonly tool_calls?: readonly object[] | undefined;
  /** The call that the message of a tool answers. */
  readonly tool_call_id?: string | undefined;
}

/**
 * A request. All further fields (`temperature`, `tools`, `stream_options`, …)
 * are passed on as they are, but for `model` and `stream`, which the model sets.
 * The request types of `npm:openai` and `npm:groq-sdk` fit.
 */
export type ChatRequest =
  | ChatRequestFields
  // Beside the one above, for literals with fields that it does not name.
  | (ChatRequestFields & { readonly [field: string]: unknown });

/** The fields of a {@linkcode ChatRequest} that every request has. */
export interface ChatRequestFields {
  /** The conversation so far. */
  readonly messages: readonly ChatMessage[];
}

/**
 * A chunk, as far as {@linkcode isContent}, {@linkcode isFinal} and
 * {@linkcode usage} look at it. The chunks of `npm:openai` and `npm:groq-sdk`
 * fit.
 */
export interface ChatChunkLike {
  /** What is added to each answer. */
  readonly choices?: readonly ChatChoiceLike[] | null;
  /** What the answer cost. */
  readonly usage?: object | null;
}

/** What a {@linkcode ChatChunkLike} adds to one answer. */
export interface ChatChoiceLike {
  /** What is added. */
  readonly delta?: object | null;
  /** The whole answer, where a server does not stream it. */
  readonly message?: object | null;
  /** Why the answer ends here. */
  readonly finish_reason?: unknown;
}

/**
 * One `chat.completion.chunk`, as the server sent it. Servers differ in what
 * they leave out; only `choices` is always there, if need be as an empty list.
 */
export interface ChatChunk {
  /** The same in all chunks of an answer. */
  readonly id?: string;
  /** `"chat.completion.chunk"`. */
  readonly object?: string;
  /** When the answer was begun, in seconds since the epoch. */
  readonly created?: number;
  /** The model that answers. */
  readonly model?: string;
  /** What was added to each answer; empty in chunks that carry something else. */
  readonly choices: readonly ChatChoice[];
  /** What the answer cost, usually in a chunk of its own at the end. */
  readonly usage?: ChatUsage | null;
  /** Any other field. */
  readonly [field: string]: unknown;
}

/** What a {@linkcode ChatChunk} adds to one answer. */
export interface ChatChoice {
  /** Which of several answers it is, from 0. */
  readonly index?: number;
  /** What is added. */
  readonly delta?: ChatDelta;
  /** Why the answer ends here: `"stop"`, `"length"`, `"tool_calls"`, … */
  readonly finish_reason?: string | null;
  /** Any other field. */
  readonly [field: string]: unknown;
}

/** What is added to an answer. */
export interface ChatDelta {
  /** The author. */
  readonly role?: string;
  /** More of the text. */
  readonly content?: string | null;
  /** More of the reasoning, as OpenRouter, Groq and others call it. */
  readonly reasoning?: string | null;
  /** More of the reasoning, as DeepSeek, vLLM and others call it. */
  readonly reasoning_content?: string | null;
  /** More of a refusal. */
  readonly refusal?: string | null;
  /** More of the calls of tools. */
  readonly tool_calls?: readonly ChatToolCall[] | null;
  /** More of the call of a function: the older form of `tool_calls`. */
  readonly function_call?: ChatFunctionCall | null;
  /** Any other field. */
  readonly [field: string]: unknown;
}

/** A part of the call of a tool. */
export interface ChatToolCall {
  /** Which of several calls it belongs to, from 0. */
  readonly index?: number;
  /** Identifies the call; in its first part. */
  readonly id?: string;
  /** `"function"`. */
  readonly type?: string;
  /** What is called. */
  readonly function?: ChatFunctionCall;
  /** Any other field. */
  readonly [field: string]: unknown;
}

/** A part of the call of a function. */
export interface ChatFunctionCall {
  /** The function's name; in the first part. */
  readonly name?: string;
  /** More of the arguments' JSON. */
  readonly arguments?: string;
}

/** What an answer cost. */
export interface ChatUsage {
  /** Tokens of the request. */
  readonly prompt_tokens?: number;
  /** Tokens of the answer. */
  readonly completion_tokens?: number;
  /** Both together. */
  readonly total_tokens?: number;
  /** Any other field. */
  readonly [field: string]: unknown;
}

/**
 * Stands for `[DONE]` where no `finish_reason` came before it, because `[DONE]`
 * is no JSON and something must say that the answer is complete. It has the
 * shape of a chunk with only the usage, which readers of chunks expect.
 */
export const DONE: ChatChunk = Object.freeze({
  object: "chat.completion.chunk",
  choices: Object.freeze([]),
});

/** Whether a chunk only stands for `[DONE]`: no server has sent it. */
export function isDoneChunk(chunk: object): boolean {
  return chunk === DONE;
}
