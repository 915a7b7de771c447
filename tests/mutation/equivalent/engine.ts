// Equivalent mutants of `src/engine`.

import type { EquivalentMutants } from "./mod.ts";

export default {
  "src/engine/call.ts": [
    {
      from: "this.scope.delete(attempt);",
      to: ";",
      reason: "The attempt ends with its stream: to stop both changes nothing.",
    },
  ],
  "src/engine/chunk_reader.ts": [
    {
      from: "if (this.#owner.hasEnded) return false;",
      to: "if (this.#owner.hasEnded) return true;",
      reason:
        "An attempt that has ended is not committed, and its end is not checked.",
    },
  ],
  "src/engine/attempt_runner.ts": [
    {
      from: "if (this.hasEnded) return false;",
      to: "if (this.hasEnded) return true;",
      lineBefore: "this.observe(chunk);",
      reason: "#commit() does nothing for an attempt that has ended.",
    },
    {
      from: "if (this.hasEnded) return false;",
      to: "if (this.hasEnded) return true;",
      lineBefore: "converted = reader.convert(chunk);",
      reason: "#commit() does nothing for an attempt that has ended.",
    },
    {
      from: "if (this.hasEnded) return false;",
      to: "if (this.hasEnded) return true;",
      lineBefore:
        'stop(outcome: "cancelled" | "lost", failure?: Failure): boolean {',
      reason:
        "An attempt that has ended is in no scope. Only decide() may still have it in its list, and decide() ignores the answer.",
    },
    {
      from: 'this.#state = "streaming";',
      to: 'this.#state = "";',
      reason: 'The state is compared with "opening" and "ended" only.',
    },
  ],
  "src/engine/call_log.ts": [
    {
      from: "return this.#audience.listeners.length > 0;",
      to: "return this.#audience.listeners.length >= 0;",
      reason:
        "It only saves time: an attempt that has opened nothing is then disposed of, too.",
    },
    {
      from: "(this.#endings ??= []).push(ending);",
      to: "(this.#endings ??= []).unshift(ending);",
      reason: "allModelsFailed() sorts them.",
    },
    {
      from: "if (!health) return;",
      to: "if (!health) {}",
      reason:
        "It only saves time: the TypeError of a store that is undefined is ignored.",
    },
    {
      from: "if (this.#audience.listeners.length === 0) return;",
      to: "if (this.#audience.listeners.length === 0) {}",
      reason: "It only saves time: an event without listeners does nothing.",
    },
  ],
  "src/engine/cancel_scope.ts": [
    {
      from: "if (this.#first) (this.#others ??= new Set()).add(each);",
      to: "if (!(this.#first)) (this.#others ??= new Set()).add(each);",
      reason: "It only saves memory: all of them are in the set then.",
    },
  ],
  "src/engine/close.ts": [
    {
      from: "if (closing === undefined) continue;",
      to: "if (closing === undefined) {}",
      reason: "It only saves time: `undefined` is then awaited, too.",
    },
  ],
  "src/engine/committed_stream.ts": [
    {
      from: "if (runners.length > 0) await Promise.allSettled(runners);",
      to: "if (runners.length >= 0) await Promise.allSettled(runners);",
      reason:
        "It only saves time: without runners there is nothing to wait for.",
    },
    {
      from: "if (runners.length > 0) await Promise.allSettled(runners);",
      to: "if (runners.length > 1) await Promise.allSettled(runners);",
      reason: "A single runner is that of this stream, and has settled.",
    },
  ],
  "src/engine/idle_timer.ts": [
    {
      from: "else if (left > this.#ms) this.start();",
      to: "else if (left >= this.#ms) this.start();",
      reason: "Where both are equal, start() sets the same timer.",
    },
  ],
  "src/engine/model_queue.ts": [
    {
      from: "skipped.push(candidate);",
      to: "skipped.unshift(candidate);",
      reason: "The next line sorts them.",
    },
  ],
  "src/engine/run_models.ts": [
    {
      from: "scope.throwIfCancelled();",
      to: ";",
      lineBefore: "const stream = await raceModels(call, request, from);",
      reason:
        "Without a stream, `catch` throws the same reason. With one, its first next() rejects with it.",
    },
    {
      from: ': "unknown";',
      to: ': "";',
      reason: 'The verdict is compared with "admitted" and "refused" only.',
    },
  ],
  "src/engine/source.ts": [
    {
      from: "steps.push(() => {",
      to: "steps.unshift(() => {",
      lineBefore: "if (failure) {",
      reason: "The list is empty here.",
    },
    {
      from: "steps.push(async () => {",
      to: "steps.unshift(async () => {",
      reason: "The list is empty here.",
    },
    {
      from: "steps.push(() => iterator.return?.());",
      to: "steps.unshift(() => iterator.return?.());",
      reason: "The list is empty here.",
    },
  ],
} satisfies EquivalentMutants;
