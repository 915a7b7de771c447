// A client that reads server-sent events.

import { type FallbackOptions, fallbackStream } from "@fallback/stream";
import {
  type SseEnd,
  type SseOptions,
  sseResponse,
} from "@fallback/stream/sse";
import {
  createJournal,
  fakeModel,
  type FakeModelOptions,
  type Journal,
  type Script,
} from "@fallback/stream/testing";
import { createParser } from "eventsource-parser";

/** The type and data of an event, or `"comment"` and the text of a comment. */
export type Seen = readonly [type: string, data: string];

/** Parses the events in these bytes. */
export function parse(bytes: Iterable<Uint8Array>): Seen[] {
  const seen: Seen[] = [];
  const parser = createParser({
    onEvent: ({ event = "message", data, id }) => {
      if (id !== undefined) throw new Error(`unexpected event id ${id}`);
      seen.push([event, data]);
    },
    onComment: (comment) => seen.push(["comment", comment]),
    onRetry: (ms) => {
      throw new Error(`unexpected retry of ${ms} ms`);
    },
    onError: (error) => {
      throw error;
    },
  });
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (const each of bytes) {
    parser.feed(decoder.decode(each, { stream: true }));
  }
  return seen;
}

/** Reads a complete response, chunk by chunk. */
export async function readAll({ body }: Response): Promise<Seen[]> {
  return parse(await Array.fromAsync(body!));
}

/** Reads a response event by event. */
export interface Client {
  /** The next event or comment; `undefined` at the end. */
  read(): Promise<Seen | undefined>;
  readonly cancel: () => Promise<void>;
}

export function clientOf(response: Response): Client {
  const reader = response.body!.getReader();
  return {
    async read() {
      const { value, done } = await reader.read();
      return done ? undefined : parse([value])[0];
    },
    cancel: () => reader.cancel(),
  };
}

/** A response, and what the tests check. */
export interface Answer {
  readonly response: Response;
  readonly journal: Journal;
  /** The arguments of `onClose`. */
  readonly ends: SseEnd[];
}

/** The settings of an {@linkcode answer}. */
export interface AnswerOptions extends SseOptions<unknown> {
  readonly model?: FakeModelOptions<unknown>;
  readonly call?: FallbackOptions<unknown, unknown>;
}

/** Creates the response of a fake model. */
export async function answer(
  script: Script<unknown>,
  { model, call, ...options }: AnswerOptions = {},
): Promise<Answer> {
  const journal = model?.journal ?? createJournal();
  const ends: SseEnd[] = [];
  const fake = fakeModel<unknown>("fake", script, { ...model, journal });
  const stream = await fallbackStream([fake], "hi", call);
  const response = sseResponse(stream, {
    onClose: (end) => void ends.push(end),
    ...options,
  });
  return { response, journal, ends };
}

/** The number of entries of a type in a journal. */
export function count({ entries }: Journal, type: string): number {
  return entries.filter((entry) => entry.type === type).length;
}
