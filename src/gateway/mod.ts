/**
 * A gateway: one handler that speaks the chat-completions protocol in front of
 * chains, so that any application that speaks it gets fallback by changing its
 * base URL.
 *
 * ```ts
 * import { gateway } from "@fallback/stream/gateway";
 * import { openaiModel } from "@fallback/stream/openai";
 * import { fakeProvider } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const { fetch } = fakeProvider(["Hello"]);
 * const handler = gateway({
 *   models: { chat: [openaiModel({ model: "fake", fetch })] },
 *   authorize: "anyone",
 * });
 *
 * const response = await handler(new Request("http://localhost/v1/models"));
 * const { data } = await response.json();
 * assertEquals(data[0].id, "chat");
 * ```
 *
 * @module
 */

export { bearerKeys } from "./bearer_keys.ts";
export { chatResponse, type ChatResponseOptions } from "./chat_response.ts";
export {
  type ChatCompletion,
  type ChatCompletionChoice,
  type ChatCompletionMessage,
  collectChat,
} from "./collect_chat.ts";
export { gateway } from "./gateway.ts";
export { logCalls, type LogCallsOptions } from "./log_calls.ts";
export type {
  Authorize,
  CallReport,
  ChatModels,
  GatewayOptions,
} from "./options.ts";
export type { ChatChunk, ChatRequest, ChatUsage } from "../openai/mod.ts";
export type { Attempt, Usage } from "../types/attempt.ts";
export type { FallbackOptions } from "../types/options.ts";
export type { ModelsByRequest } from "../fallback_model.ts";
export type { Model, ModelLike } from "../types/model.ts";
