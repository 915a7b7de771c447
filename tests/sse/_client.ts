// The other end of the line: what a client makes of a response.

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

/** An event's type and data; of a comment, what it says. */
export type Seen = readonly [type: string, data: string];

/** Reads what has arrived, whether or not more is to come. */
export function parse(bytes: Iterable<Uint8Array>): Seen[] {
  const seen: Seen[] = [];
  const parser = createParser({
    onEvent: ({ event = "message", data, id }) => {
      if (id !== undefined) throw new Error(`An event has the id ${id}`);
      seen.push([event, data]);
    },
    onComment: (comment) => seen.push(["comment", comment]),
    onRetry: (ms) => {
      throw new Error(`The client shall wait for ${ms} ms`);
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

/** Reads a whole response; in time, for it waits for each of its chunks. */
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

/** What a test of an answer needs. */
export interface Answer {
  readonly response: Response;
  readonly journal: Journal;
  /** What `onClose` was told. */
  readonly ends: SseEnd[];
}

/** The settings of an {@linkcode answer}. */
export interface AnswerOptions extends SseOptions<unknown> {
  readonly model?: FakeModelOptions<unknown>;
  readonly call?: FallbackOptions<unknown, unknown>;
}

/** The answer of one fake model, as a response. */
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

/** How many entries of a kind a journal has. */
export function count({ entries }: Journal, type: string): number {
  return entries.filter((entry) => entry.type === type).length;
}
