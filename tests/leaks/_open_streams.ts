// Opens 10,000 streams, and measures the memory of each beyond its source, and what is
// left when they are closed.

import { type FallbackOptions, fallbackStream } from "@fallback/stream";

declare const gc: () => void;

const STREAMS = 10_000;
const HOUR = 3_600_000;

async function* source(): AsyncGenerator<string> {
  yield "a";
  yield "b";
}

/** A source after its first chunk was read, as in an open stream. */
async function pulled(): Promise<AsyncGenerator<string>> {
  const chunks = source();
  await chunks.next();
  return chunks;
}

/** The memory per object in bytes, while open and after closing. */
async function cost(
  open: () => Promise<AsyncIterator<string>>,
): Promise<{ open: number; closed: number }> {
  const things: AsyncIterator<string>[] = [];
  await (await open()).return?.();
  gc();
  const before = Deno.memoryUsage().heapUsed;
  const perThing = () => {
    gc();
    return (Deno.memoryUsage().heapUsed - before) / STREAMS;
  };
  for (let i = 0; i < STREAMS; i++) {
    if (i % 1_000 === 0) console.error(`${i} open`);
    things.push(await open());
  }
  const whileOpen = perThing();
  for (const thing of things) await thing.return?.();
  things.length = 0;
  return { open: whileOpen, closed: perThing() };
}

const everything: FallbackOptions<string, string> = {
  signal: new AbortController().signal,
  isFinal: () => true,
  onEvent: () => {},
  timeouts: {
    openMs: HOUR,
    firstContentMs: HOUR,
    idleMs: HOUR,
    totalMs: HOUR,
    closeMs: HOUR,
  },
};

console.log(JSON.stringify({
  source: await cost(pulled),
  stream: await cost(() => fallbackStream([source], "hi")),
  streamWithEverything: await cost(() =>
    fallbackStream([source], "hi", everything)
  ),
}));
