/**
 * What a fake provider does on the wire: `wire.status(529)`, `wire.raw(text)`
 * and others, and the steps of `step`.
 *
 * @module
 */

import { PacketStep, type StatusOptions, StatusStep } from "./wire_script.ts";

export { end, fail, hang, open, truncate, wait } from "./step.ts";

/**
 * Answers with a status. It must come before every step that sends the headers.
 *
 * @param code The status, from 200 to 599.
 * @param options Headers and body.
 * @returns The step.
 *
 * @example An overloaded provider
 * ```ts
 * import { fakeProvider, wire } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const provider = fakeProvider([
 *   wire.status(529, {
 *     headers: { "retry-after": "20" },
 *     body: { error: { type: "overloaded_error" } },
 *   }),
 * ]);
 *
 * const response = await provider.fetch("http://localhost/v1");
 * assertEquals(response.status, 529);
 * assertEquals(await response.json(), { error: { type: "overloaded_error" } });
 * ```
 *
 * @throws {RangeError} If `code` is no status from 200 to 599.
 * @throws {RangeError} If its answers have no body: 204, 205, 304.
 */
export function status(code: number, options?: StatusOptions): StatusStep {
  const hasBody = ![204, 205, 304].includes(code);
  if (!Number.isInteger(code) || code < 200 || code > 599 || !hasBody) {
    throw new RangeError(
      `Cannot answer as 'code' must be a status from 200 to 599 with a body: current value is ${code}`,
    );
  }
  return new StatusStep(code, options);
}

/**
 * Sends bytes as they are: malformed events, comments, a part of a character.
 *
 * @param text A text; bytes can stand in a script by themselves.
 * @returns Its bytes.
 *
 * @example A keep-alive, and a stream that ends without a `finish_reason`
 * ```ts
 * import { fakeProvider, step, wire } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const provider = fakeProvider([
 *   wire.raw(": keep-alive\n\n"),
 *   wire.raw("data: [DONE]\n\n"),
 *   step.truncate(),
 * ]);
 *
 * const response = await provider.fetch("http://localhost/v1");
 * assertEquals(await response.text(), ": keep-alive\n\ndata: [DONE]\n\n");
 * ```
 */
export function raw(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/**
 * Sends several things in one packet.
 *
 * @param parts The data to send: as in a script, except for a status.
 * @returns The step.
 *
 * @example Two chunks in one packet
 * ```ts
 * import { fakeProvider, step, wire } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const { fetch } = fakeProvider([wire.packet("Hel", "lo"), step.truncate()]);
 * const { body } = await fetch("http://localhost/v1");
 * const texts = body!.pipeThrough(new TextDecoderStream());
 * const [first] = await Array.fromAsync(texts);
 * assertEquals(first?.match(/"content":"\w+"/g)?.length, 2);
 * ```
 */
export function packet(...parts: (string | object)[]): PacketStep {
  return new PacketStep(parts);
}

/**
 * The event by which a provider fails during the answer.
 *
 * @param error The error object.
 * @returns The event.
 *
 * @example A provider that gives up
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import { openaiModel, StreamError } from "@fallback/stream/openai";
 * import { fakeProvider, wire } from "@fallback/stream/testing";
 * import { assertRejects } from "@std/assert";
 *
 * const error = { code: 529, message: "overloaded" };
 * const { fetch } = fakeProvider(["Hel", wire.errorEvent(error)]);
 * const model = openaiModel({ model: "fake", fetch });
 *
 * await using stream = await fallbackStream([model], { messages: [] });
 * await assertRejects(() => Array.fromAsync(stream), StreamError, "overload");
 * ```
 */
export function errorEvent(error: unknown): { error: unknown } {
  return { error };
}

/**
 * The chunk that ends an answer, for scripts that do not end by themselves.
 *
 * @param reason Why it ends.
 * @returns The chunk.
 *
 * @example A missing `[DONE]`
 * ```ts
 * import { fakeProvider, step, wire } from "@fallback/stream/testing";
 * import { assertMatch } from "@std/assert";
 *
 * const { fetch } = fakeProvider(["Hello", wire.finish(), step.truncate()]);
 * const response = await fetch("http://localhost/v1");
 * assertMatch(await response.text(), /"finish_reason":"stop"\}\]\}\n\n$/);
 * ```
 */
export function finish(reason = "stop"): { choices: object[] } {
  return { choices: [{ index: 0, delta: {}, finish_reason: reason }] };
}
