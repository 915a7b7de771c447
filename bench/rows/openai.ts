// What a chunk costs on its way through `openaiModel()`, beside the least that a
// client can do (`eventsource-parser` and `JSON.parse`), and from there through
// `fallbackStream()` and `sseResponse()`, beside a relay that parses each event,
// checks nothing and writes it again.

import { createParser } from "eventsource-parser";
import {
  fallbackStream,
  type Model,
  type ModelContext,
} from "@fallback/stream";
import {
  type ChatChunk,
  type ChatRequest,
  openaiModel,
} from "@fallback/stream/openai";
import { sseResponse } from "@fallback/stream/sse";
import type { Row } from "./_row.ts";

const CHUNKS = 40_000;

const encoder = new TextEncoder();

function chunkEvent(index: number): string {
  const chunk = {
    id: "chatcmpl-9mQ5xYx3",
    object: "chat.completion.chunk",
    created: 1_727_000_000,
    model: "gpt-4o-2024-08-06",
    system_fingerprint: "fp_44709d6fcb",
    choices: [{
      index: 0,
      delta: { content: ` word${index}` },
      logprobs: null,
      finish_reason: null,
    }],
  };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

function packetsOf(eventsPerPacket: number): Uint8Array[] {
  return Array.from({ length: CHUNKS / eventsPerPacket }, (_, packet) => {
    const events = Array.from(
      { length: eventsPerPacket },
      (_, at) => chunkEvent(packet * eventsPerPacket + at),
    );
    return encoder.encode(events.join(""));
  });
}

/** A body whose packets arrive when they are read. */
function bodyOf(packets: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      const packet = packets[at++];
      if (packet) controller.enqueue(packet);
      else controller.close();
    },
  }, { highWaterMark: 0 });
}

async function readBare(packets: readonly Uint8Array[]): Promise<number> {
  let length = 0;
  const parser = createParser({
    onEvent({ data }) {
      length += JSON.parse(data).choices[0].delta.content.length;
    },
  });
  const decoder = new TextDecoder();
  const reader = bodyOf(packets).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return length;
    parser.feed(decoder.decode(value, { stream: true }));
  }
}

function modelOf(
  packets: readonly Uint8Array[],
): Model<ChatRequest, ChatChunk> {
  return openaiModel({
    model: "m",
    fetch: () => Promise.resolve(new Response(bodyOf(packets))),
  });
}

async function readModel(packets: readonly Uint8Array[]): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const context: ModelContext = {
    signal: new AbortController().signal,
    stack,
    model: "m",
    attemptNumber: 1,
  };
  let length = 0;
  const stream = await modelOf(packets).stream({ messages: [] }, context);
  for await (const chunk of stream as AsyncIterable<ChatChunk>) {
    length += chunk.choices[0]!.delta!.content!.length;
  }
  return length;
}

/** Reads the events of a response as a server does. */
async function readBody(body: ReadableStream<Uint8Array>): Promise<number> {
  let length = 0;
  const reader = body.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return length;
    length += value.length;
  }
}

/** Parses each event and writes it again, one event a write. */
function relay(packets: readonly Uint8Array[]): Promise<number> {
  const events: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => events.push(data) });
  const decoder = new TextDecoder();
  const reader = bodyOf(packets).getReader();
  return readBody(
    new ReadableStream({
      async pull(controller) {
        while (events.length === 0) {
          const { value, done } = await reader.read();
          if (done) return controller.close();
          parser.feed(decoder.decode(value, { stream: true }));
        }
        const chunk = JSON.parse(events.shift()!);
        const event = `data: ${JSON.stringify(chunk)}\n\n`;
        controller.enqueue(encoder.encode(event));
      },
    }, { highWaterMark: 0 }),
  );
}

async function readResponse(packets: readonly Uint8Array[]): Promise<number> {
  const request = { messages: [] };
  const stream = await fallbackStream([modelOf(packets)], request);
  return await readBody(sseResponse(stream).body!);
}

/** The rows for a number of events in each packet. */
function rowsFor(eventsPerPacket: number, target: number): Row[] {
  const packets = packetsOf(eventsPerPacket);
  const packet = eventsPerPacket === 1
    ? "one event a packet"
    : `${eventsPerPacket} events a packet`;
  return [{
    name: `a chunk of openaiModel(), ${packet}, over a bare parser`,
    target,
    ours: () => readModel(packets),
    reference: () => readBare(packets),
  }, {
    name: `a chunk through sseResponse(), ${packet}, over a relay`,
    target: 1.4,
    ours: () => readResponse(packets),
    reference: () => relay(packets),
  }];
}

/** The rows, in the order of the table. */
export const OPENAI_ROWS: readonly Row[] = [
  ...rowsFor(1, 1.6),
  ...rowsFor(4, 1.5),
];
