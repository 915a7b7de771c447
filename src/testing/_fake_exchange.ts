// One request to a fake provider, and the answer to it as it goes on.

import { abortable } from "@std/async/abortable";
import { delay } from "@std/async/delay";
import { concat } from "@std/bytes/concat";
import type { FakeProviderOptions, ProviderCall } from "./fake_provider.ts";
import { Step } from "./script.ts";
import { end } from "./step.ts";
import { finish, raw } from "./wire.ts";
import {
  EVENT_STREAM,
  PacketStep,
  StatusStep,
  type WireScript,
} from "./wire_script.ts";

const END = end();

/** Whether a step belongs to opening if no headers are sent before it. */
export function isPause(item: unknown): item is Step {
  return item instanceof Step && ["wait", "hang", "fail"].includes(item.type);
}

/** One request, and the answer to it as it goes on. */
export class FakeExchange {
  readonly call: { -readonly [Key in keyof ProviderCall]: ProviderCall[Key] };
  readonly #sent: (string | object)[] = [];
  readonly #id: string;
  readonly #lineEnd: string;
  readonly #client: AbortSignal;
  readonly #closed = Promise.withResolvers<void>();
  /** Aborts when nothing more is sent. */
  readonly #ended = new AbortController();
  #body: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Whether a `finish_reason` was sent. */
  #finished = false;

  constructor(
    request: Request,
    body: unknown,
    index: number,
    options: FakeProviderOptions,
  ) {
    this.#id = `chatcmpl-${index + 1}`;
    this.#lineEnd = options.lineEnd ?? "\n";
    this.#client = request.signal;
    this.call = {
      url: request.url,
      headers: request.headers,
      body,
      sent: this.#sent,
      outcome: "pending",
      closed: this.#closed.promise,
    };
  }

  async answer(script: WireScript): Promise<Response> {
    this.#client.addEventListener("abort", this.#leave);
    const head = script.find((item) => item instanceof StatusStep) ??
      new StatusStep(200);
    const packets = this.#send(script, head);
    await packets.next();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#body = controller;
      },
      pull: async (controller) => {
        const { value, done } = await packets.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: this.#leave,
    }, { highWaterMark: 0 });
    return new Response(body, { status: head.code, headers: head.headers });
  }

  /** Yields `undefined` when the answer opens, and from then on packets. */
  async *#send(
    script: WireScript,
    head: StatusStep,
  ): AsyncGenerator<Uint8Array | undefined, undefined> {
    let opened = false;
    try {
      for (let at = 0;; at++) {
        const item = script[at] ?? END;
        if (isPause(item)) {
          await this.#pause(item);
          continue;
        }
        if (!opened) yield;
        opened = true;
        if (!(item instanceof Step)) {
          this.#sent.push(item);
          const bytes = this.#encode(item);
          if (bytes.length > 0) yield bytes;
        } else if (item.type === "truncate") {
          return this.#settle("failed");
        } else if (item.type === "end") {
          return yield* this.#end(head);
        }
      }
    } catch (error) {
      this.#settle("failed");
      throw error;
    }
  }

  async #pause({ type, ms, error }: Step): Promise<void> {
    const { signal } = this.#ended;
    if (type === "fail") throw error;
    if (type === "wait") await delay(ms, { signal });
    else await abortable(new Promise(() => {}), signal);
  }

  *#end(head: StatusStep): Generator<Uint8Array, undefined> {
    const type = head.headers.get("content-type");
    if (type?.startsWith(EVENT_STREAM)) {
      if (!this.#finished) yield this.#encode(finish());
      this.#settle("completed");
      yield this.#event("[DONE]");
    }
    this.#settle("completed");
  }

  #encode(item: string | object): Uint8Array<ArrayBuffer> {
    if (item instanceof Uint8Array) return new Uint8Array(item);
    if (item instanceof StatusStep) return item.body ?? raw("");
    if (item instanceof PacketStep) {
      return concat(item.parts.map((part) => this.#encode(part)));
    }
    const chunk = typeof item === "string" ? this.#textChunk(item) : item;
    this.#finished ||= hasFinishReason(chunk);
    return this.#event(JSON.stringify(chunk));
  }

  #textChunk(content: string): object {
    return {
      id: this.#id,
      object: "chat.completion.chunk",
      created: 0,
      model: Object(this.call.body).model,
      choices: [{ index: 0, delta: { content }, finish_reason: null }],
    };
  }

  #event(data: string): Uint8Array<ArrayBuffer> {
    return raw(`data: ${data}${this.#lineEnd}${this.#lineEnd}`);
  }

  readonly #leave = (): void => {
    this.#settle("aborted");
    this.#body?.error(this.#client.reason);
  };

  #settle(outcome: ProviderCall["outcome"]): undefined {
    if (this.call.outcome !== "pending") return;
    this.call.outcome = outcome;
    this.#client.removeEventListener("abort", this.#leave);
    this.#ended.abort(this.#client.reason);
    this.#closed.resolve();
  }
}

function hasFinishReason(chunk: object): boolean {
  const { choices } = chunk as { choices?: unknown };
  return Array.isArray(choices) &&
    choices.some((choice) => Object(choice).finish_reason);
}
