// What a chunk costs on its way through `openaiModel()`, beside the least that a
// client can do: `eventsource-parser` and `JSON.parse`. The two take turns in one
// process, and the median of the ratios counts.

import { createParser } from "eventsource-parser";
import type { ModelContext } from "@fallback/stream";
import { type ChatChunk, openaiModel } from "@fallback/stream/openai";

const CHUNKS = 40_000;
const PAIRS = 25;

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

async function readModel(packets: readonly Uint8Array[]): Promise<number> {
  const model = openaiModel({
    model: "m",
    fetch: () => Promise.resolve(new Response(bodyOf(packets))),
  });
  await using stack = new AsyncDisposableStack();
  const context: ModelContext = {
    signal: new AbortController().signal,
    stack,
    model: "m",
    attemptNumber: 1,
  };
  let length = 0;
  const stream = await model.stream({ messages: [] }, context);
  for await (const chunk of stream as AsyncIterable<ChatChunk>) {
    length += chunk.choices[0]!.delta!.content!.length;
  }
  return length;
}

async function microseconds(work: () => Promise<number>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / CHUNKS * 1000;
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

for (const [eventsPerPacket, target] of [[1, 1.6], [4, 1.5]] as const) {
  const packets = packetsOf(eventsPerPacket);
  const bare: number[] = [];
  const ours: number[] = [];
  for (let pair = -3; pair < PAIRS; pair++) {
    const bareCost = await microseconds(() => readBare(packets));
    const ourCost = await microseconds(() => readModel(packets));
    if (pair < 0) continue;
    bare.push(bareCost);
    ours.push(ourCost);
  }
  const ratios = ours.map((cost, pair) => cost / bare[pair]!);
  console.log(
    `openaiModel(), ${eventsPerPacket} event(s) a packet: ${
      median(ratios).toFixed(2)
    } × (${median(bare).toFixed(2)} → ${
      median(ours).toFixed(2)
    } µs a chunk)   target ${target}`,
  );
}
