/**
 * The cost of the gateway over loopback HTTP, compared with a handler that reads
 * the provider's body and sends the same bytes: processor time per event, latency of
 * the first byte, memory of an open stream.
 *
 * `deno task bench:gateway`
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { TextLineStream } from "@std/streams/text-line-stream";
import { median } from "./_median.ts";

const PAIRS = 15;
const STREAMS = 25;
const PACKETS = 200;
const OPEN_STREAMS = 1000;

const utf8 = new TextEncoder();
const chunk = JSON.stringify({
  id: "chatcmpl-123",
  object: "chat.completion.chunk",
  created: 1_700_000_000,
  model: "gpt-4o-mini",
  choices: [{ index: 0, delta: { content: " text" }, finish_reason: null }],
});
const event = `data: ${chunk}\n\n`;
const END = utf8.encode(
  `data: ${
    JSON.stringify({ choices: [{ delta: {}, finish_reason: "stop" }] })
  }\n\ndata: [DONE]\n\n`,
);

/** Answers with as many packets, and events in each, as the path says. */
const provider = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  (request) => {
    const [, events, packets] = new URL(request.url).pathname.split("/");
    request.body?.cancel();
    return new Response(
      ReadableStream.from(packetsOf(Number(events), Number(packets))),
      { headers: { "content-type": "text/event-stream" } },
    );
  },
);

async function* packetsOf(events: number, packets: number) {
  const packet = utf8.encode(event.repeat(events));
  for (let i = 0; i < packets; i++) {
    yield packet;
    await delay(2);
  }
  if (packets === 1) await delay(20_000);
  yield END;
}

/** Starts the measured process before a kind of answer. */
async function start(events: number, packets: number) {
  const { port } = provider.addr;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "--v8-flags=--expose-gc",
      new URL("gateway/_handlers.ts", import.meta.url).pathname,
      `http://127.0.0.1:${port}/${events}/${packets}`,
    ],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()).getReader();
  const { value } = await lines.read();
  const url = `http://127.0.0.1:${value}`;
  return {
    url,
    time: async (): Promise<{ cpu: number }> =>
      (await fetch(`${url}/time`)).json(),
    memory: async (): Promise<{ heapUsed: number; rss: number }> =>
      (await fetch(`${url}/memory`)).json(),
    async [Symbol.asyncDispose]() {
      child.kill();
      await lines.cancel();
      await child.status;
    },
  };
}

const post = (url: string, kind: string, signal?: AbortSignal) =>
  fetch(`${url}${kind}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body:
      '{"model":"chat","stream":true,"messages":[{"role":"user","content":"hi"}]}',
    ...(signal && { signal }),
  });

async function cpuRatio(events: number): Promise<void> {
  await using subject = await start(events, PACKETS);
  /** Microseconds per event. */
  const cost = async (kind: string) => {
    const before = await subject.time();
    await Promise.all(Array.from({ length: STREAMS }, async () => {
      await (await post(subject.url, kind)).bytes();
    }));
    const { cpu } = await subject.time();
    return (cpu - before.cpu) / (STREAMS * PACKETS * events);
  };
  for (let i = 0; i < 5; i++) { // until the compiler is done
    for (const kind of ["", "/relay", "/pass"]) await cost(kind);
  }
  const costs = { gateway: [], relay: [], pass: [] } as Record<
    string,
    number[]
  >;
  const ratios: number[] = [];
  for (let i = 0; i < PAIRS; i++) {
    const relay = await cost("/relay");
    const gateway = await cost("");
    ratios.push(gateway / relay);
    costs.gateway!.push(gateway);
    costs.relay!.push(relay);
    if (i < 5) costs.pass!.push(await cost("/pass"));
  }
  const [gateway, relay, pass] = Object.values(costs).map(median);
  console.log(
    `processor time per event, ${events} a packet: gateway ${
      gateway!.toFixed(1)
    } µs, relay ${relay!.toFixed(1)} µs, ratio ${
      median(ratios).toFixed(2)
    } (target 1.35); new Response(body) ${pass!.toFixed(1)} µs`,
  );
}

async function firstByte(): Promise<void> {
  await using subject = await start(1, 2);
  const times: Record<string, number[]> = { "": [], "/relay": [] };
  for (let i = 0; i < 220; i++) {
    for (const [kind, list] of Object.entries(times)) {
      const startedAt = performance.now();
      const { body } = await post(subject.url, kind);
      const reader = body!.getReader();
      await reader.read();
      if (i >= 20) list.push(performance.now() - startedAt);
      while (!(await reader.read()).done);
    }
  }
  const [gateway, relay] = Object.values(times).map(median);
  console.log(
    `first byte: gateway ${gateway!.toFixed(2)} ms, relay ${
      relay!.toFixed(2)
    } ms, added ${(gateway! - relay!).toFixed(2)} ms`,
  );
}

async function memory(): Promise<void> {
  for (const [name, kind] of [["gateway", ""], ["relay", "/relay"]]) {
    await using subject = await start(1, 1);
    const before = await subject.memory();
    const client = new AbortController();
    const readers = await Promise.all(
      Array.from({ length: OPEN_STREAMS }, async () => {
        const { body } = await post(subject.url, kind!, client.signal);
        const reader = body!.getReader();
        await reader.read();
        return reader;
      }),
    );
    const after = await subject.memory();
    const each = (field: "heapUsed" | "rss") =>
      Math.round((after[field] - before[field]) / readers.length / 100) / 10;
    console.log(
      `memory per open stream at ${OPEN_STREAMS}: ${name} heap ${
        each("heapUsed")
      } kB, resident ${each("rss")} kB`,
    );
    client.abort();
    await delay(200);
  }
}

await cpuRatio(1);
await cpuRatio(4);
await firstByte();
await memory();
Deno.exit(0);
