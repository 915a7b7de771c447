/**
 * A listener that records OpenTelemetry spans and metrics.
 *
 * @module
 */

import { assertOptions, type OptionNames } from "../_shared/arguments.ts";
import { runInContext, type TracingListener } from "../engine/listener.ts";
import type { FallbackListener } from "../types/events.ts";
import { Telemetry } from "./_telemetry.ts";

/** Options of {@linkcode instrument}. */
export interface InstrumentOptions {
  /**
   * What the models do: `gen_ai.operation.name`.
   *
   * @default {"chat"}
   */
  readonly operation?: string | undefined;
  /**
   * Whether the messages of errors are recorded. The message of a provider may
   * quote the prompt.
   *
   * @default {false}
   */
  readonly recordErrors?: boolean | undefined;
}

const OPTION_NAMES: OptionNames<InstrumentOptions> = {
  operation: true,
  recordErrors: true,
};

/**
 * Creates an `onEvent` listener that records OpenTelemetry spans and metrics of
 * calls and attempts. One listener serves all calls. It does nothing as long as
 * no SDK is registered.
 *
 * @param options What is recorded.
 * @returns The listener.
 *
 * @example Usage
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { instrument } from "@fallback/stream/otel";
 * import { fakeModel, step } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const models = [
 *   fakeModel("gpt", [step.fail(new Error("overloaded"))]),
 *   fakeModel("llama", ["Hello"]),
 * ];
 * await using stream = await fallbackStream(models, "hi", {
 *   onEvent: instrument(),
 * });
 * assertEquals(await Array.fromAsync(stream), ["Hello"]);
 * ```
 *
 * @throws {TypeError} If an option is unknown.
 */
export function instrument(options: InstrumentOptions = {}): FallbackListener {
  assertOptions("options", options, OPTION_NAMES);
  const { operation = "chat", recordErrors = false } = options;
  const telemetry = new Telemetry(operation, recordErrors);
  const listener: TracingListener = (event) => telemetry.onEvent(event);
  return Object.defineProperty(listener, runInContext, {
    // Nothing runs in a context while no SDK is registered.
    get: () => telemetry.isEnabled() ? telemetry.runInContext : undefined,
  });
}
