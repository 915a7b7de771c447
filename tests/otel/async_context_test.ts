// In which async context a listener runs.

import {
  type FallbackEvent,
  type FallbackOptions,
  fallbackStream,
} from "@fallback/stream";
import { fakeModel, step } from "@fallback/stream/testing";
import { assertEquals } from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";

const storage = new AsyncLocalStorage<string>();

/** A listener that notes in which context each event arrives. */
function recorder() {
  const events: string[] = [];
  const onEvent = ({ type }: FallbackEvent) =>
    void events.push(`${type} in ${storage.getStore()}`);
  return { events, onEvent };
}

// Fake time would call timers outside of their context, so these are real.
const models = [
  fakeModel("a", [step.wait(1), step.fail(1)]),
  fakeModel("b", [step.wait(300), "b0", step.wait(1), "b1"]),
  fakeModel("c", [step.hang()]),
];
const options: FallbackOptions<unknown, string> = {
  retry: { maxAttempts: 2, minDelayMs: 1 },
  hedge: { afterMs: 5 },
};

Deno.test("onEvent is called in the AsyncLocalStorage context of the call for every event", async () => {
  const { events, onEvent } = recorder();
  await storage.run("request", async () => {
    const all = { ...options, onEvent };
    await using stream = await fallbackStream(models, "hi", all);
    await Array.fromAsync(stream);
  });
  const types = new Set(events.map((event) => event.split(" ")[0]));
  assertEquals(
    [...types].toSorted(),
    [
      "closed",
      "committed",
      "completed",
      "failed",
      "hedging",
      "lost",
      "opened",
      "retrying",
      "started",
    ],
  );
  assertEquals(events.filter((event) => !event.endsWith(" in request")), []);
});

Deno.test("onEvent is called in the context that reads, closes or aborts the stream once it has been returned", async () => {
  for (const how of ["read", "close", "abort"]) {
    const { events, onEvent } = recorder();
    const controller = new AbortController();
    const { signal } = controller;
    const stream = await storage.run(
      "request",
      () => fallbackStream([fakeModel("a", ["x"])], "hi", { onEvent, signal }),
    );
    await storage.run(how, async () => {
      if (how === "read") await Array.fromAsync(stream);
      if (how === "abort") controller.abort();
      await stream.return();
    });
    assertEquals(events, [
      "started in request",
      "opened in request",
      "committed in request",
      `${how === "read" ? "completed" : "cancelled"} in ${how}`,
      `closed in ${how}`,
    ]);
  }
});
