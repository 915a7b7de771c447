/**
 * Calls and attempts as OpenTelemetry spans and metrics, named by the semantic
 * conventions for generative AI (`open-telemetry/semantic-conventions-genai`,
 * commit 024a4f9).
 *
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { instrument } from "@fallback/stream/otel";
 * import { fakeModel } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const onEvent = instrument(); // one for all calls
 *
 * const models = [fakeModel("a", ["Good ", "morning"])];
 * await using stream = await fallbackStream(models, "hi", { onEvent });
 * assertEquals(await Array.fromAsync(stream), ["Good ", "morning"]);
 * ```
 *
 * A call is a span `chat`, each attempt a child span `chat <model>`. While code
 * of the model runs, its attempt's span is active, so that the span of its HTTP
 * request is a child of the attempt. The names of all attributes and metrics
 * are in `docs/telemetry.md`.
 *
 * Prompts and answers are never recorded. With Deno's own exporter
 * (`OTEL_DENO=true`) or any SDK there is nothing else to do. Without an SDK this
 * does nothing.
 *
 * @module
 */

export { instrument, type InstrumentOptions } from "./instrument.ts";
export type { Attempt } from "../types/attempt.ts";
export type { FallbackEvent, FallbackListener } from "../types/events.ts";
