/**
 * Calls and attempts as OpenTelemetry spans and metrics, named by the semantic
 * conventions for generative AI as of version 1.41 (since then kept in
 * `open-telemetry/semantic-conventions-genai`).
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
 * A span `chat` for the call has a child span `chat <model>` for each attempt.
 * While a model's own code runs its attempt's span is the active one, so that
 * the span of its HTTP request hangs under it. Attributes of our own begin with
 * `fallback.`:
 *
 * | name                 | where          | what                            |
 * | -------------------- | -------------- | ------------------------------- |
 * | `fallback.outcome`   | spans, metrics | what has become of it           |
 * | `fallback.attempts`  | call           | how many attempts were made     |
 * | `fallback.attempt`   | attempt        | which one of the call, from 1   |
 *
 * | metric                                       | unit        | of       |
 * | -------------------------------------------- | ----------- | -------- |
 * | `gen_ai.client.operation.duration`           | s           | attempts |
 * | `gen_ai.client.operation.time_to_first_chunk`| s           | attempts |
 * | `fallback.call.duration`                     | s           | calls    |
 * | `fallback.call.attempts`                     | `{attempt}` | calls    |
 * | `fallback.hedges`                            | `{hedge}`   | calls    |
 *
 * Nothing that was asked or answered is recorded. With Deno's own exporter
 * (`OTEL_DENO=true`) or any SDK there is nothing else to do; where none is
 * registered this does nothing.
 *
 * @module
 */

export { instrument, type InstrumentOptions } from "./instrument.ts";
export type { Attempt } from "../types/attempt.ts";
export type { FallbackEvent, FallbackListener } from "../types/events.ts";
