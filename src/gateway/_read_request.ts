// The body of a request: limited in size and time, and parsed.

import { LimitedBytesTransformStream } from "@std/streams/limited-bytes-transform-stream";
import { isInstance } from "../_shared/safe_access.ts";
import { GatewayError } from "./_gateway_error.ts";

/** The deepest nesting of a body. To write a deeper one overflows the stack. */
const MAX_DEPTH = 500;

/** How large a body may be, and how long it may take. */
export interface BodyLimits {
  /** In bytes. */
  readonly maxBodyBytes: number;
  /** In milliseconds. */
  readonly bodyTimeoutMs: number;
}

/**
 * Reads a JSON object.
 *
 * @throws {GatewayError} 415, 413, 408 or 400.
 */
export async function readJsonObject(
  request: Request,
  limits: BodyLimits,
): Promise<Record<string, unknown>> {
  const { headers } = request;
  const isJson = headers.get("content-type")
    ?.match(/^application\/json\s*(;|$)/i);
  const encoding = headers.get("content-encoding") ?? "identity";
  if (!isJson || encoding !== "identity") {
    throw new GatewayError(
      415,
      "The body must be JSON: set 'content-type: application/json'.",
      { code: "unsupported_media_type" },
    );
  }
  const text = decode(await readLimited(request, limits));
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new GatewayError(400, "The body is not valid JSON.");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new GatewayError(400, "The body must be a JSON object.");
  }
  if (isDeeperThan(MAX_DEPTH, body)) {
    throw new GatewayError(
      400,
      `The body is nested more than ${MAX_DEPTH} deep.`,
    );
  }
  return body as Record<string, unknown>;
}

function isDeeperThan(depth: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth === 0) return true;
  return Object.values(value).some((each) => isDeeperThan(depth - 1, each));
}

async function readLimited(
  { body, headers }: Request,
  { maxBodyBytes, bodyTimeoutMs }: BodyLimits,
): Promise<Uint8Array> {
  const tooLarge = () =>
    new GatewayError(413, `The body is larger than ${maxBodyBytes} bytes.`, {
      code: "request_too_large",
    });
  if (Number(headers.get("content-length")) > maxBodyBytes) throw tooLarge();
  if (body === null) return new Uint8Array();
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), bodyTimeoutMs);
  try {
    const limited = body.pipeThrough(
      new LimitedBytesTransformStream(maxBodyBytes, { error: true }),
      { signal: timeout.signal },
    );
    return await new Response(limited).bytes();
  } catch (error) {
    if (timeout.signal.aborted) {
      throw new GatewayError(
        408,
        `The body did not arrive within ${bodyTimeoutMs} ms.`,
        { code: "request_timeout" },
      );
    }
    if (isInstance(error, RangeError)) throw tooLarge();
    // The signal of a client that has left may abort a little later.
    await new Promise((resolve) => setTimeout(resolve, 0));
    throw new GatewayError(400, "The body could not be read.");
  } finally {
    clearTimeout(timer);
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new GatewayError(400, "The body is not valid UTF-8.");
  }
}
