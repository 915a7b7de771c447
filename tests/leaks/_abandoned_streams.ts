// Streams that are neither read to the end nor closed. Once their timers have fired,
// nothing keeps this process alive.

import { type FallbackOptions, fallbackStream } from "@fallback/stream";

async function* answers(): AsyncGenerator<string> {
  yield "a";
  yield "b";
  yield "c";
}
const hangs = () => new Promise<never>(() => {});

const timeouts = {
  openMs: 20,
  firstContentMs: 30,
  idleMs: 40,
  totalMs: 50,
  closeMs: 60,
};
const { signal } = new AbortController();
const options: FallbackOptions<string, string>[] = [
  {},
  { signal },
  { timeouts: { idleMs: 40 } },
  { signal, timeouts },
];
for (const each of options) {
  // The first is never pulled, the second twice.
  await fallbackStream([answers], "hi", each);
  const stream = await fallbackStream([answers], "hi", each);
  await stream.next();
  await stream.next();
}
// Also one that is still opening.
fallbackStream([hangs, hangs], "hi", { signal, timeouts }).catch(() => {});

// A timer may be restarted once to check its deadline, but not again.
let started = 0;
const { setTimeout } = globalThis;
globalThis.setTimeout = ((...args: Parameters<typeof setTimeout>) => {
  started++;
  return setTimeout(...args);
}) as typeof setTimeout;
addEventListener("unload", () => {
  console.log(JSON.stringify({ streams: 2 * options.length + 1, started }));
});
