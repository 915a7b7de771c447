// Faults of retrying, hedging and continuing: R18 to R20.

import type { Control } from "../_control.ts";

export const remedies: readonly Control[] = [
  {
    name: "retries after commitment",
    file: "src/_committed_stream.ts",
    from: `this.#source.exhausted = true;
    this.#interrupt(error);`,
    to: `this.#attempt.commit().then(() => this.#pull());`,
  },
  {
    name: "retries without being asked to",
    file: "src/fallback_stream.ts",
    from: "const { conditions, retry } = call.chain;",
    to: `const { conditions } = call.chain;
  const retry = { options: {}, maxAttempts: 2, minDelayMs: 0, maxDelayMs: 0, multiplier: 1, jitter: 0 };`,
  },
  {
    name: "retries once too often",
    file: "src/_back_off.ts",
    from: "tries >= maxAttempts",
    to: "tries > maxAttempts",
  },
  {
    name: "retries a request that is wrong",
    file: "src/on_status.ts",
    from: "return status === 408 || status === 429 || status >= 500;",
    to: "return status >= 400;",
  },
  {
    name: "does not retry what has no status",
    file: "src/on_status.ts",
    from: "statusOf(error) ?? 500",
    to: "statusOf(error) ?? 400",
  },
  {
    name: "retries a model that was silent",
    file: "src/errors.ts",
    from: "  ModelTimeoutError,\n  TruncatedStreamError,\n];",
    to: "  TruncatedStreamError,\n];",
  },
  {
    name: "retries before fallbackOn is asked",
    file: "src/fallback_stream.ts",
    from: "if (!accepted) throw failure;",
    to: "if (!accepted && !retry) throw failure;",
  },
  {
    name: "calls isRetriable detached from its options",
    file: "src/_back_off.ts",
    from: "? options.isRetriable(failure)",
    to: "? (0, options.isRetriable)(failure)",
  },
  {
    name: "loses the failure when isRetriable throws",
    file: "src/_back_off.ts",
    from: `throw new SuppressedError(error, failure, "'isRetriable' threw");`,
    to: "throw error;",
  },
  {
    name: "leaves its listener when the budget throws",
    file: "src/fallback_stream.ts",
    from: `  try {
    call.throwIfStopped();
    chain.hedge?.options.budget?.earn();`,
    to: `  chain.hedge?.options.budget?.earn();
  try {
    call.throwIfStopped();`,
  },
  {
    name: "waits the same before each retry",
    file: "src/_back_off.ts",
    from: "multiplier ** (tries - 1)",
    to: "multiplier",
  },
  {
    name: "grows its delays without limit",
    file: "src/_back_off.ts",
    from: "Math.min(maxDelayMs, minDelayMs * multiplier ** (tries - 1))",
    to: "minDelayMs * multiplier ** (tries - 1)",
  },
  {
    name: "adds the jitter instead of taking it off",
    file: "src/_back_off.ts",
    from: "(1 - jitter * Math.random())",
    to: "(1 + jitter * Math.random())",
  },
  {
    name: "does not hear how long the provider asks it to wait",
    file: "src/_back_off.ts",
    from:
      "if (asked !== undefined) return asked > maxDelayMs ? undefined : asked;",
    to: "",
  },
  {
    name: "waits longer than maxDelayMs where the provider asks for it",
    file: "src/_back_off.ts",
    from: "return asked > maxDelayMs ? undefined : asked;",
    to: "return asked;",
  },
  {
    name: "reads a Retry-After in seconds as milliseconds",
    file: "src/_retry_after.ts",
    from: `headers.get("retry-after"), 1000`,
    to: `headers.get("retry-after"), 1`,
  },
  {
    name: "has a back-off that ignores the signal",
    file: "src/_back_off.ts",
    from: "await call.wait(new Promise(() => {}), ms);",
    to: "await new Promise((resolve) => setTimeout(resolve, ms));",
  },
  {
    name: "leaves the timer of a back-off that was ended",
    file: "src/_call.ts",
    from: "clearTimeout(timer);",
    to: "",
  },
  {
    name: "retries although the call was ended during the back-off",
    file: "src/fallback_stream.ts",
    from: "if (!again || call.isDecided()) return undefined;",
    to: "if (!again) return undefined;",
  },
  {
    name: "tells of no retry",
    file: "src/_back_off.ts",
    from: `call.emit("retry", attempt, undefined, { error: failure }, ms);`,
    to: "",
  },
  {
    name: "hedges without being asked to",
    file: "src/_chain.ts",
    from: "hedge: hedge === undefined ? undefined : readHedge(hedge),",
    to: "hedge: readHedge(hedge ?? { afterMs: 50 }),",
  },
  {
    name: "leaves a lost hedge open",
    file: "src/_call.ts",
    from: `this.#stopAll("lost", undefined, winner);`,
    to: "",
  },
  {
    name: "makes the winner wait for the loser's close",
    file: "src/fallback_stream.ts",
    from: "if (stream) return stream;\n  }",
    to: `if (stream) {
      await call.settle();
      return stream;
    }
  }`,
  },
  {
    name: "ends the stream before the loser is closed",
    file: "src/_committed_stream.ts",
    from: "if (this.#call.runners.length > 0) await this.#call.settle();",
    to: "",
  },
  {
    name: "calls a loser cancelled",
    file: "src/_call.ts",
    from: `this.#stopAll("lost", undefined, winner);`,
    to: `this.#stopAll("cancelled", undefined, winner);`,
  },
  {
    name: "ignores the budget",
    file: "src/_race.ts",
    from: "if (budget && !budget.take()) return false;",
    to: "",
  },
  {
    name: "earns nothing for its budget",
    file: "src/fallback_stream.ts",
    from: "chain.hedge?.options.budget?.earn();",
    to: "",
  },
  {
    name: "calls the budget detached from its object",
    file: "src/_race.ts",
    from: "!budget.take()",
    to: "!(0, budget.take)()",
  },
  {
    name: "pays from the budget where one that is spent makes room",
    file: "src/_race.ts",
    from: "if (word || this.#takeBudget()) return word?.stream;",
    to: `if (word?.stream) return word.stream;
      if (this.#takeBudget()) return undefined;`,
  },
  {
    name: "runs more models at once than it may",
    file: "src/_race.ts",
    from: "this.#running.size < maxInFlight",
    to: "this.#running.size <= maxInFlight",
  },
  {
    name: "leaves the timer of a hedge",
    file: "src/_race.ts",
    from: "clearTimeout(timer);",
    to: "",
  },
  {
    name: "gives up when one that is slow is all that is left",
    file: "src/fallback_stream.ts",
    from: "return await race?.finish();",
    to: "return undefined;",
  },
  {
    name: "leaves the others running when a failure is refused",
    file: "src/fallback_stream.ts",
    from: "    call.stop(error);\n    await call.settle();",
    to: "    call.end();",
  },
  {
    name: "does not wait for the others when a failure is refused",
    file: "src/fallback_stream.ts",
    from: "    await call.settle();\n",
    to: "",
  },
  {
    name: "lets others go on asking when a failure was refused",
    file: "src/fallback_stream.ts",
    from: "    call.stop(error);\n",
    to: `    for (const each of call.running) each.stop("cancelled", { error });
    call.end();
`,
  },
  {
    name: "tells of no hedge",
    file: "src/_race.ts",
    from: `this.#call.emit("hedge", this.#call.attempts.at(-1));`,
    to: "",
  },
  {
    name: "asks the model once more that was cut",
    file: "src/continue.ts",
    from: "const from = index + 1;",
    // Only the first: else an answer that is always cut would never end.
    to: "const from = this.attempts.length > 1 ? index + 1 : index;",
  },
  {
    name: "repeats the preamble of a model within a chain",
    file: "src/continue.ts",
    from: "held.length + (inner ? heldBy(inner) : 0)",
    to: "held.length",
  },
  {
    name: "asks for more after the final chunk of a model within a chain",
    file: "src/continue.ts",
    from: "attempt.isFinished || inner !== undefined && isFinished(inner)",
    to: "attempt.isFinished",
  },
  {
    name: "repeats the preamble after a cut",
    file: "src/continue.ts",
    from: "if (skipped-- > 0) continue;",
    to: "",
  },
  {
    name: "forgets what was delivered before the cut",
    file: "src/continue.ts",
    from: "this.#chunks.push(chunk);",
    to: "",
  },
  {
    name: "asks for more after the final chunk",
    file: "src/continue.ts",
    from: "isFinished(this.#part) ||",
    to: "",
  },
  {
    name: "asks to resume where no model is left",
    file: "src/continue.ts",
    from: "from === this.#chain.models.length;",
    to: "false;",
  },
  {
    name: "resumes after an abort",
    file: "src/continue.ts",
    from: `outcome !== "interrupted" || context.signal.aborted ||`,
    to: "",
  },
  {
    name: "waits for a resume that never answers",
    file: "src/continue.ts",
    from: "await abortable(Promise.resolve(answer), signal)",
    to: "await answer",
  },
  {
    name: "hides what resume threw",
    file: "src/continue.ts",
    from: `throw new SuppressedError(thrown, error, "'resume' threw");`,
    to: "return undefined;",
  },
  {
    name: "starts the total clock anew for each part",
    edits: [
      {
        file: "src/continue.ts",
        from: "const clocks = { ...this.#chain.clocks, totalMs: undefined };",
        to: "const { clocks } = this.#chain;",
      },
      {
        file: "src/continue.ts",
        from: "        totalMs,\n        // The parts",
        to: "        totalMs: undefined,\n        // The parts",
      },
    ],
  },
  {
    name: "runs no total clock over the parts",
    file: "src/continue.ts",
    from: "        totalMs,\n        // The parts",
    to: "        totalMs: undefined,\n        // The parts",
  },
  {
    name: "names no model in the total time-out of a continued answer",
    file: "src/continue.ts",
    from: `lastModel: () =>
        this.attempts.at(-1)?.model ?? this.#chain.models[0]!.name,`,
    to: "",
  },
  {
    name: "leaves a part open",
    file: "src/continue.ts",
    from: "stack.defer(whenClosed(opening));",
    to: "",
  },
  {
    name: "leaves the interruption out when the rest fails",
    file: "src/errors.ts",
    from: `outcome !== "skipped"`,
    to: `outcome === "failed"`,
  },
];
