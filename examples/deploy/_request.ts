// The requests that a visitor may send. Others are refused here with a 4xx and
// its reason, before any model is called.

import { deadline } from "@std/async/deadline";
import { type Failure, isFailure } from "./_failures.ts";

/** A conversation, and how the first model fails. */
export interface Question {
  /** The messages so far; the last one is the visitor's. */
  readonly messages: readonly Message[];
  /** The failure of the first model. */
  readonly fail: Failure;
}

/** One message of a conversation. */
export interface Message {
  /** The author. */
  readonly role: "user" | "assistant";
  /** The text. */
  readonly content: string;
}

/** The limits of one request. */
export interface Limits {
  /** The most bytes of a body. */
  readonly bytes: number;
  /** The longest time to receive a body, in milliseconds. */
  readonly bodyMs: number;
  /** The most messages of a conversation. */
  readonly messages: number;
}

/** A request that is refused, and the reason. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly #status: number;
  readonly #headers: HeadersInit;

  constructor(status: number, message: string, headers: HeadersInit = {}) {
    super(message);
    this.#status = status;
    this.#headers = headers;
  }

  toResponse(): Response {
    const headers = new Headers(this.#headers);
    headers.set("cache-control", "no-store");
    const body = { error: { message: this.message } };
    return Response.json(body, { status: this.#status, headers });
  }
}

/** Refuses all methods but these. */
export function expectMethod(request: Request, ...methods: string[]): void {
  if (methods.includes(request.method)) return;
  const allow = methods.join(", ");
  throw new Refusal(405, `only ${allow} is answered here`, { allow });
}

/** Reads and checks the body of a request. */
export async function readQuestion(
  request: Request,
  limits: Limits,
): Promise<Question> {
  // A page of another site cannot send this type without a CORS preflight.
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new Refusal(415, "the content type must be application/json");
  }
  const body = parse(await readBytes(request, limits));
  expect(hasOnly(body, ["messages", "fail"]), "the body", "messages and fail");
  return {
    messages: checkMessages(body.messages, limits),
    fail: checkFailure(body.fail),
  };
}

/** Reads a body that may be endless, in size and in time. */
async function readBytes(
  request: Request,
  { bytes: most, bodyMs }: Limits,
): Promise<Uint8Array<ArrayBuffer>> {
  const tooMuch = () => new Refusal(413, `a body may have ${most} bytes`);
  if (Number(request.headers.get("content-length")) > most) throw tooMuch();
  if (!request.body) return new Uint8Array();
  const reader = request.body.getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  const read = async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      size += value.length;
      if (size > most) throw tooMuch();
      parts.push(value);
    }
  };
  try {
    await deadline(read(), bodyMs);
  } catch (error) {
    // Do not wait: the sender may never stop.
    reader.cancel().catch(() => {});
    if (error instanceof Refusal) throw error;
    if (error instanceof DOMException && error.name === "TimeoutError") {
      throw new Refusal(408, `a body must arrive within ${bodyMs} ms`);
    }
    throw new Refusal(400, "the body broke off");
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

function parse(bytes: Uint8Array): unknown {
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal(400, "the body must be UTF-8");
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, "the body must be JSON");
  }
}

function checkMessages(
  value: unknown,
  { messages: most }: Limits,
): Message[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > most) {
    throw new Refusal(400, `messages must be a list of 1 to ${most} messages`);
  }
  const messages = value.map(checkMessage);
  if (messages.at(-1)?.role !== "user") {
    throw new Refusal(400, "the last message must be the user's");
  }
  return messages;
}

function checkMessage(value: unknown): Message {
  expect(hasOnly(value, ["role", "content"]), "a message", "role and content");
  const { role, content } = value;
  if (role !== "user" && role !== "assistant") {
    throw new Refusal(400, "a message's role must be user or assistant");
  }
  if (
    typeof content !== "string" || content.trim() === "" ||
    !content.isWellFormed()
  ) {
    throw new Refusal(400, "a message's content must be a text");
  }
  // A new object, so that no other field reaches a model.
  return { role, content };
}

function checkFailure(value: unknown = "healthy"): Failure {
  if (isFailure(value)) return value;
  throw new Refusal(400, "fail must be one of the ways to fail");
}

/** Whether a value is an object that has no other fields than these. */
function hasOnly<Name extends string>(
  value: unknown,
  names: readonly Name[],
): value is Partial<Record<Name, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.keys(value).every((name) => names.some((known) => known === name));
}

function expect(ok: boolean, what: string, fields: string): asserts ok {
  if (!ok) throw new Refusal(400, `${what} must be an object of ${fields}`);
}
