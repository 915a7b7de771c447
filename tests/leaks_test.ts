// What is left behind: by very many calls, by streams that are open at once,
// and by those that nobody reads any more. Each is a process of its own, which
// can collect its garbage, and which has to end by itself.

import { assertEquals, assertLess } from "@std/assert";
import { succeed } from "./_process.ts";

/** What a script prints. It has no permission, and limited time. */
async function run(script: string): Promise<string> {
  const { out } = await succeed(Deno.execPath(), [
    "run",
    "--no-prompt",
    "--quiet",
    "--v8-flags=--expose-gc",
    new URL(`leaks/${script}`, import.meta.url).href,
  ], { stuckMs: 20_000 });
  return out;
}

Deno.test("R10 100,000 calls in a row, ending in every way, leave no listener, no timer and no heap", async () => {
  const { composed, timers, bytes } = JSON.parse(await run("_calls.ts"));
  assertEquals({ composed, timers }, { composed: 0, timers: 0 });
  // One number kept for each call would be 8.
  assertLess(bytes, 8);
});

Deno.test("10,000 streams open at once cost at most 4 KiB each beyond their sources, and give it back", async () => {
  const { source, stream, streamWithEverything } = JSON.parse(
    await run("_open_streams.ts"),
  );
  for (const { open, closed } of [stream, streamWithEverything]) {
    assertLess(open - source.open, 4096);
    assertLess(closed, 256);
  }
});

Deno.test("R17 abandoned streams keep a process alive no longer than their clocks run once", async () => {
  const { at } = JSON.parse(await run("_abandoned.ts"));
  // Their clocks take 50 ms. One that is armed again and again never ends.
  assertLess(Date.now() - at, 10_000);
});
