// Streams that nobody reads to the end, nor closes. Once their clocks have run,
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
  // Held back by nobody: the first is never pulled, the second only once.
  await fallbackStream([answers], "hi", each);
  const stream = await fallbackStream([answers], "hi", each);
  await stream.next();
  await stream.next();
}
// Also one that is still opening.
fallbackStream([hangs, hangs], "hi", { signal, timeouts }).catch(() => {});
console.log(JSON.stringify({ at: Date.now() }));
