// Memory and timers that are left by many sequential calls, by concurrent streams,
// and by abandoned streams. Each runs in its own process, which can collect garbage
// and has to exit by itself.

import { assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { runSuccessfully } from "./_run_command.ts";

/** How much more memory than the target is allowed, as in the cost gate. */
const MARGIN = 1.25;

/**
 * Runs a script without permissions, and returns the JSON that it prints. It prints
 * its progress to stderr; without progress it is killed.
 */
async function run(script: string): Promise<Record<string, never>> {
  const { out } = await runSuccessfully(Deno.execPath(), [
    "run",
    "--no-prompt",
    "--quiet",
    "--v8-flags=--expose-gc",
    new URL(`leaks/${script}`, import.meta.url).href,
  ]);
  return JSON.parse(out);
}

Deno.test("fallbackStream() leaves no listener, timer or memory in 50,000 calls that end in every way (R10)", async () => {
  const { composed, timers, bytes } = await run("_calls.ts");
  assertEquals({ composed, timers }, { composed: 0, timers: 0 });
  // One number per call would take 8 bytes.
  assertLess(bytes!, 8);
});

Deno.test("fallbackStream() takes about 2,500 bytes per open stream, 4,250 with all options, and frees them", async () => {
  const { source, stream, streamWithEverything } = await run(
    "_open_streams.ts",
  ) as unknown as Record<string, { open: number; closed: number }>;
  assertLess(stream!.open - source!.open, 2_500 * MARGIN);
  assertLess(streamWithEverything!.open - source!.open, 4_250 * MARGIN);
  for (const { closed } of [stream!, streamWithEverything!]) {
    assertLess(closed, 256);
  }
});

Deno.test("fallbackStream() does not restart the timers of abandoned streams, so that the process exits (R17)", async () => {
  const { streams, started } = await run("_abandoned_streams.ts");
  assertLessOrEqual(started!, streams!);
});
