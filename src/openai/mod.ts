/**
 * Models behind any server that speaks the OpenAI chat-completions stream:
 * OpenAI, Azure, Groq, Mistral, DeepSeek, OpenRouter, Ollama, vLLM, llama.cpp,
 * LM Studio, Gemini's compatible endpoint and others.
 *
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { openaiModel } from "@fallback/stream/openai";
 * import { fakeProvider, wire } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * // Fakes, so that this runs anywhere; yours have an apiKey and no fetch.
 * const { fetch: overloaded } = fakeProvider([wire.status(529)]);
 * const { fetch } = fakeProvider(["Good ", "morning"]);
 * const baseURL = "http://localhost:11434/v1";
 *
 * const models = [
 *   openaiModel({ model: "gpt-4o", fetch: overloaded }),
 *   openaiModel({ model: "llama3.2", baseURL, fetch }),
 * ];
 * const messages = [{ role: "user", content: "Say good morning." }];
 *
 * let answer = "";
 * for await (const chunk of await fallbackStream(models, { messages })) {
 *   answer += chunk.choices[0]?.delta?.content ?? "";
 * }
 * assertEquals(answer, "Good morning");
 * ```
 *
 * Whatever a server does wrong becomes an error, so that the next model can take
 * over. A refusal is an {@linkcode HttpError}; an error inside a stream, or what
 * is no such stream, is a {@linkcode StreamError}. Neither shows the API key.
 *
 * @module
 */

export {
  type OpenAIModel,
  openaiModel,
  type OpenAIModelOptions,
} from "./openai_model.ts";
export type { HeadersOption } from "./_headers.ts";
export type {
  ChatChoice,
  ChatChoiceLike,
  ChatChunk,
  ChatChunkLike,
  ChatDelta,
  ChatFunctionCall,
  ChatMessage,
  ChatMessageFields,
  ChatRequest,
  ChatRequestFields,
  ChatToolCall,
  ChatUsage,
} from "./_chat.ts";
export {
  type Continuation,
  continueText,
  type ContinueTextOptions,
} from "./continue_text.ts";
export { HttpError, type HttpErrorOptions } from "./http_error.ts";
export { isContent } from "./is_content.ts";
export { isFinal } from "./is_final.ts";
export { StreamError, type StreamErrorOptions } from "./stream_error.ts";
export { usage } from "./usage.ts";
export type { Usage } from "../types/attempt.ts";
export type {
  Model,
  ModelContext,
  ModelFunction,
  StreamSource,
} from "../types/model.ts";
