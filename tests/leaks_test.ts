// What is left behind: by many calls in a row, by streams that are open at once, and
// by streams that are not read to the end. Each is a process of its own, which can
// collect its garbage, and which has to end by itself.

import { assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { runOrThrow } from "./_run_command.ts";

/** By how much the targets for bytes may be missed, as in the cost gate. */
const MARGIN = 1.25;

/**
 * What a script prints, as JSON. It runs without permissions, and prints its
 * progress to stderr: only one that makes none is ended.
 */
async function run(script: string): Promise<Record<string, never>> {
  const { out } = await runOrThrow(Deno.execPath(), [
    "run",
    "--no-prompt",
    "--quiet",
    "--v8-flags=--expose-gc",
    new URL(`leaks/${script}`, import.meta.url).href,
  ]);
  return JSON.parse(out);
}

Deno.test("fallbackStream() leaves no listener, timer or heap after 100,000 calls that end in every way (R10)", async () => {
  const { composed, timers, bytes } = await run("_calls.ts");
  assertEquals({ composed, timers }, { composed: 0, timers: 0 });
  // One number kept for each call would be 8.
  assertLess(bytes!, 8);
});

Deno.test("10,000 streams open at once cost about 2,500 bytes each beyond their sources, 4,250 with every option, and free them", async () => {
  const { source, stream, streamWithEverything } = await run(
    "_open_streams.ts",
  ) as unknown as Record<string, { open: number; closed: number }>;
  assertLess(stream!.open - source!.open, 2_500 * MARGIN);
  assertLess(streamWithEverything!.open - source!.open, 4_250 * MARGIN);
  for (const { closed } of [stream!, streamWithEverything!]) {
    assertLess(closed, 256);
  }
});

Deno.test("the timers of abandoned streams are not started again, so that the process ends (R17)", async () => {
  const { streams, started } = await run("_abandoned_streams.ts");
  assertLessOrEqual(started!, streams!);
});
