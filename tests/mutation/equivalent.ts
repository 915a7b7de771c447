// Mutants that behave as the original does, or differ only in what no test should
// hold fast. They are found by the text of their lines, so that a change in other
// lines does not invalidate them.

/** A mutant that need not be killed. */
export interface EquivalentMutant {
  /** The path of the file from the root of the project. */
  readonly file: string;
  /** `from` of the mutant. */
  readonly from: string;
  /** `to` of the mutant. */
  readonly to: string;
  /** `lineBefore` of the mutant, where the file has several lines like it. */
  readonly lineBefore?: string;
  /** Why no test can, or should, tell it from the original. */
  readonly reason: string;
}

/** All of them, by file. */
export const EQUIVALENT: readonly EquivalentMutant[] = [
  {
    file: "src/_shared/retry_after.ts",
    from: 'json && json.includes("retryDelay") ? parseJson(json) : undefined,',
    to: 'json && json.includes("") ? parseJson(json) : undefined,',
    reason: "It only saves time: what has no retryDelay is parsed, too.",
  },
  {
    file: "src/engine/attempt_runner.ts",
    from: "if (this.hasEnded) return false;",
    to: "if (this.hasEnded) return true;",
    lineBefore: "this.observe(chunk);",
    reason: "#commit() does nothing for an attempt that has ended.",
  },
  {
    file: "src/engine/attempt_runner.ts",
    from: "if (this.hasEnded) return false;",
    to: "if (this.hasEnded) return true;",
    lineBefore: "converted = reader.convert(chunk);",
    reason: "#commit() does nothing for an attempt that has ended.",
  },
  {
    file: "src/engine/attempt_runner.ts",
    from: "if (this.hasEnded) return false;",
    to: "if (this.hasEnded) return true;",
    lineBefore:
      'stop(outcome: "cancelled" | "lost", failure?: Failure): boolean {',
    reason:
      "An attempt that has ended is in no scope. Only decide() may still have it in its list, and decide() ignores the answer.",
  },
  {
    file: "src/engine/attempt_runner.ts",
    from: 'this.#state = "streaming";',
    to: 'this.#state = "";',
    reason: 'The state is compared with "opening" and "ended" only.',
  },
  {
    file: "src/engine/call_log.ts",
    from: "return this.#audience.listeners.length > 0;",
    to: "return this.#audience.listeners.length >= 0;",
    reason:
      "It only saves time: an attempt that has opened nothing is then disposed of, too.",
  },
  {
    file: "src/engine/call_log.ts",
    from: "(this.#endings ??= []).push(ending);",
    to: "(this.#endings ??= []).unshift(ending);",
    reason: "allModelsFailed() sorts them.",
  },
  {
    file: "src/engine/call_log.ts",
    from: "if (!health) return;",
    to: "if (!health) ;",
    reason:
      "It only saves time: the TypeError of a store that is undefined is ignored.",
  },
  {
    file: "src/engine/call_log.ts",
    from: "if (this.#audience.listeners.length === 0) return;",
    to: "if (this.#audience.listeners.length === 0) ;",
    reason: "It only saves time: an event without listeners does nothing.",
  },
  {
    file: "src/engine/cancel_scope.ts",
    from: "if (this.#first) (this.#others ??= new Set()).add(each);",
    to: "if (!(this.#first)) (this.#others ??= new Set()).add(each);",
    reason: "It only saves memory: all of them are in the set then.",
  },
  {
    file: "src/engine/close.ts",
    from: "if (closing === undefined) continue;",
    to: "if (closing === undefined) ;",
    reason: "It only saves time: `undefined` is then awaited, too.",
  },
  {
    file: "src/engine/committed_stream.ts",
    from: "if (runners.length > 0) await Promise.allSettled(runners);",
    to: "if (runners.length >= 0) await Promise.allSettled(runners);",
    reason: "It only saves time: without runners there is nothing to wait for.",
  },
  {
    file: "src/engine/committed_stream.ts",
    from: "if (runners.length > 0) await Promise.allSettled(runners);",
    to: "if (runners.length > 1) await Promise.allSettled(runners);",
    reason: "A single runner is that of this stream, and has settled.",
  },
  {
    file: "src/engine/idle_timer.ts",
    from: "else if (left > this.#ms) this.start();",
    to: "else if (left >= this.#ms) this.start();",
    reason: "Where both are equal, start() sets the same timer.",
  },
  {
    file: "src/engine/model_queue.ts",
    from: "skipped.push(candidate);",
    to: "skipped.unshift(candidate);",
    reason: "The next line sorts them.",
  },
  {
    file: "src/engine/run_models.ts",
    from: "scope.throwIfCancelled();",
    to: ";",
    lineBefore: "const stream = await raceModels(call, request, from);",
    reason:
      "Without a stream, `catch` throws the same reason. With one, its first next() rejects with it.",
  },
  {
    file: "src/engine/run_models.ts",
    from: ': "unknown";',
    to: ': "";',
    reason: 'The verdict is compared with "admitted" and "refused" only.',
  },
  {
    file: "src/engine/source.ts",
    from: "steps.push(() => {",
    to: "steps.unshift(() => {",
    lineBefore: "if (failure) {",
    reason: "The list is empty here.",
  },
  {
    file: "src/engine/source.ts",
    from: "steps.push(async () => {",
    to: "steps.unshift(async () => {",
    reason: "The list is empty here.",
  },
  {
    file: "src/engine/source.ts",
    from: "steps.push(() => iterator.return?.());",
    to: "steps.unshift(() => iterator.return?.());",
    reason: "The list is empty here.",
  },
  {
    file: "src/fallback_model.ts",
    from: 'throw new TypeError("This model is never called");',
    to: 'throw new TypeError("");',
    reason: "It is never called.",
  },
  {
    file: "src/hedge_budget.ts",
    from: "if (tokens < 1 - 1e-9) return false;",
    to: "if (tokens <= 1 - 1e-9) return false;",
    reason:
      "It differs for exactly 1 - 1e-9 tokens, which stands for a rounded 1.",
  },
  {
    file: "src/policies/fallback.ts",
    from: "if (!scope.isActive) return false;",
    to: "if (!scope.isActive) return true;",
    reason: "The answer counts only while the call is active.",
  },
  {
    file: "src/policies/fallback.ts",
    from: 'const isAccepted = typeof answer === "object" && answer !== null',
    to: 'const isAccepted = typeof answer === "object" || answer !== null',
    reason:
      "It only saves time: an answer that is no promise is then awaited, too.",
  },
  {
    file: "src/policies/health.ts",
    from: 'if (!scope.isActive) return "refused";',
    to: 'if (!scope.isActive) return "";',
    reason: 'Once the call has ended, only a verdict of "admitted" counts.',
  },
  {
    file: "src/policies/hedge.ts",
    from: "const weight = candidate.isSkipped ? 0 : 1;",
    to: "const weight = candidate.isSkipped ? 0 : 2;",
    reason: "The sum of the weights is compared with 0 only.",
  },
  {
    file: "src/policies/hedge.ts",
    from: "this.runners.push(runner);",
    to: "this.runners.unshift(runner);",
    reason: "All of them are waited for, in any order.",
  },
  {
    file: "src/policies/retry.ts",
    from: "if (!scope.isActive) return false;",
    to: "if (!scope.isActive) return true;",
    reason: "The answer counts only while the call is active.",
  },
];
