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
 * What a server does wrong becomes an error, so that the next model can take
 * over: a refusal is an {@linkcode HttpError}, an error inside the stream or
 * what is no such stream a {@linkcode StreamError}. Neither shows the API key.
 *
 * @module
 */

export { openaiModel, type OpenAIModelOptions } from "./openai_model.ts";
export type {
  ChatChoice,
  ChatChunk,
  ChatDelta,
  ChatFunctionCall,
  ChatMessage,
  ChatMessageFields,
  ChatRequest,
  ChatToolCall,
  ChatUsage,
} from "./_chat.ts";
export { continueText } from "./_continue_text.ts";
export { HttpError, type HttpErrorOptions } from "./http_error.ts";
export { StreamError } from "./stream_error.ts";
export type {
  Model,
  ModelContext,
  ModelFunction,
  StreamSource,
} from "../types/model.ts";
