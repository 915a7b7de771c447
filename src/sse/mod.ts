/**
 * Responses for `Deno.serve`, Deno Deploy and every other server that takes a
 * `Response`: server-sent events, and a response for a call that failed.
 *
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { errorResponse, sseResponse } from "@fallback/stream/sse";
 * import { fakeModel } from "@fallback/stream/testing";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const models = [fakeModel("a", ["Good ", "morning"])];
 *
 * async function handler({ signal }: Request): Promise<Response> {
 *   try {
 *     return sseResponse(await fallbackStream(models, "hi", { signal }));
 *   } catch (error) {
 *     return errorResponse(error, { signal });
 *   }
 * }
 * // Deno.serve(handler), or for Deno Deploy: export default { fetch: handler }
 * const response = await handler(new Request("http://localhost"));
 * assertStringIncludes(await response.text(), 'data: "morning"\n\n');
 * ```
 *
 * @module
 */

export { errorResponse, type ErrorResponseOptions } from "./error_response.ts";
export {
  type SseEnd,
  type SseOptions,
  sseResponse,
  type SseSource,
} from "./sse_response.ts";
export {
  type AttemptSummary,
  summarizeAttempts,
} from "./summarize_attempts.ts";
export type { Attempt, Outcome } from "../types/attempt.ts";
