// Faults against R1 to R7: order and commitment.

import type { Control } from "../_control.ts";

export const order: readonly Control[] = [
  {
    name: "tries the models backwards",
    file: "src/fallback_stream.ts",
    from: "run(call, models[index]!, index, request)",
    to: "run(call, models.at(-1 - index)!, index, request)",
  },
  {
    name: "opens the next model before the failed one is closed",
    file: "src/fallback_stream.ts",
    from:
      `await using stack = new AsyncDisposableStack(); // from Deno 2.3, Node 24, Bun 1.3.12
  stack.use(attempt);
  await attempt.commit(request);`,
    to: `const stack = new AsyncDisposableStack();
  stack.use(attempt);
  try {
    await attempt.commit(request);
  } catch (error) {
    stack.disposeAsync();
    throw error;
  }`,
  },
  {
    name: "gives every model a copy of the request",
    file: "src/_live_attempt.ts",
    from: "this.#model.stream(request,",
    to: "this.#model.stream(structuredClone(request),",
  },
  {
    name: "asks isContent also after commitment",
    file: "src/_live_attempt.ts",
    from: "if (!result.done) {",
    to: `if (!result.done) {
      if (this.record.outcome === "streaming") this.#isContent(result.value);`,
  },
  {
    name: "prefers the options' isContent to the model's",
    file: "src/_live_attempt.ts",
    from: "judges.find((judge) => judge.isContent)",
    to: "judges.toReversed().find((judge) => judge.isContent)",
  },
  {
    name: "prefers the options' isFinal to the model's",
    file: "src/_live_attempt.ts",
    from: "judges.find((judge) => judge.isFinal)",
    to: "judges.toReversed().find((judge) => judge.isFinal)",
  },
  {
    name: "takes every chunk for content",
    file: "src/_live_attempt.ts",
    from: "judge?.isContent ? judge.isContent(chunk) : true",
    to: "true",
  },
  {
    name: "takes no chunk for content where nobody judges",
    file: "src/_live_attempt.ts",
    from: "judge.isContent(chunk) : true",
    to: "judge.isContent(chunk) : false",
  },
  {
    name: "takes a judge without a verdict for a yes",
    file: "src/_live_attempt.ts",
    from: "judge?.isContent ? judge.isContent(chunk) : true",
    to: "judge?.isContent?.(chunk) ?? true",
  },
  {
    name: "holds without limit",
    file: "src/_live_attempt.ts",
    from: "if (this.held.length > MOST_HELD) return true;",
    to: "",
  },
  {
    name: "holds one chunk less",
    file: "src/_live_attempt.ts",
    from: "held.length > MOST_HELD",
    to: "held.length >= MOST_HELD",
  },
  {
    name: "holds one chunk more",
    file: "src/_live_attempt.ts",
    from: "held.length > MOST_HELD",
    to: "held.length > MOST_HELD + 1",
  },
  {
    name: "drops the preamble",
    file: "src/_live_attempt.ts",
    from: "this.held.push(result.value);",
    to: "this.held[0] = result.value;",
  },
  {
    name: "delivers the preamble backwards",
    file: "src/_committed_stream.ts",
    from: "held.shift()",
    to: "held.pop()",
  },
  {
    name: "delivers the preambles of failed models",
    file: "src/_live_attempt.ts",
    from: "this.#call = call;",
    to: `this.#call = call;
    this.held = call.held ??= [];`,
  },
  {
    name: "reads one chunk behind the first content",
    file: "src/_live_attempt.ts",
    from: "if (this.#isContent(result.value)) return true;",
    to: `if (this.#isContent(result.value)) {
        const { done, value } = await this.#pull(source);
        if (!done) this.held.push(value);
        return true;
      }`,
  },
  {
    name: "opens the next model after commitment",
    file: "src/_committed_stream.ts",
    from: "this.#source.exhausted = true;\n",
    to: `this.#source.exhausted = true;
    const { model, index, attempt } = this.#attempt.record;
    const next = this.#call.chain.models[index + 1];
    if (next) {
      const { signal } = new AbortController();
      Promise.resolve(
        next.stream("hi", { signal, stack: this.#stack, model, attempt }),
      ).then((given) => {
        this.#source = new this.#source.constructor(given);
        this.#source.start();
        this.#pull();
      }).catch((error) => this.#interrupt(error));
      return;
    }
`,
  },
  {
    name: "retries the same model after commitment",
    file: "src/_committed_stream.ts",
    from: "this.#source.exhausted = true;\n",
    to: `this.#source.exhausted = true;
    if (!this.retried) {
      this.retried = true;
      const { model, index, attempt } = this.#attempt.record;
      const { signal } = new AbortController();
      Promise.resolve(
        this.#call.chain.models[index]
          .stream("hi", { signal, stack: this.#stack, model, attempt }),
      ).then((given) => {
        this.#source = new this.#source.constructor(given);
        this.#source.start();
        this.#pull();
      }).catch((error) => this.#interrupt(error));
      return;
    }
`,
  },
  {
    name: "tries the same model twice before the next",
    file: "src/fallback_stream.ts",
    from: "if (!again || call.isDecided()) return undefined;",
    to: "if (tries > 1 || call.isDecided()) return undefined;",
  },
  {
    name: "counts a judge that throws as no",
    file: "src/_live_attempt.ts",
    from: "if (this.#isContent(result.value)) return true;",
    to: `try {
        if (this.#isContent(result.value)) return true;
      } catch {
        continue;
      }`,
  },
  {
    name: "throws at once what an iterator throws at once",
    file: "src/_source.ts",
    from: "return Promise.reject(error);",
    to: "throw error;",
  },
  {
    name: "asks no condition",
    file: "src/fallback_stream.ts",
    from: "if (!accepted) throw failure;",
    to: "",
  },
  {
    name: "wraps a failure that fallbackOn refuses",
    file: "src/fallback_stream.ts",
    from: "if (!accepted) throw failure;",
    to: "if (!accepted) throw new AllModelsFailedError(call.attempts);",
  },
  {
    name: "counts a condition that throws as no",
    file: "src/_condition.ts",
    from: `throw new SuppressedError(error, failure, "'fallbackOn' threw");`,
    to: "return false;",
  },
  {
    name: "counts a condition that throws as yes",
    file: "src/_condition.ts",
    from: `throw new SuppressedError(error, failure, "'fallbackOn' threw");`,
    to: "return true;",
  },
  {
    name: "loses the failure when a condition throws",
    file: "src/_condition.ts",
    from: `throw new SuppressedError(error, failure, "'fallbackOn' threw");`,
    to: "throw error;",
  },
  {
    name: "turns the errors round when a condition throws",
    file: "src/_condition.ts",
    from: "SuppressedError(error, failure,",
    to: "SuppressedError(failure, error,",
  },
  {
    name: "takes the promise of a condition for a yes",
    file: "src/_condition.ts",
    from: `typeof verdict === "object" ? await call.wait(verdict) : verdict`,
    to: "verdict",
  },
  {
    name: "wants every condition to accept",
    edits: [
      {
        file: "src/_condition.ts",
        from:
          `if (typeof verdict === "object" ? await call.wait(verdict) : verdict) {
        return true;
      }`,
        to:
          `if (!(typeof verdict === "object" ? await call.wait(verdict) : verdict)) {
        return false;
      }`,
      },
      {
        file: "src/_condition.ts",
        from: `    }
    return false;
  } catch`,
        to: `    }
    return true;
  } catch`,
      },
    ],
  },
  {
    name: "takes Error for a predicate, which says yes to everything",
    file: "src/_condition.ts",
    from: "condition === Error ||\n    ",
    to: "",
  },
  {
    name: "takes the classes of errors for predicates",
    file: "src/_condition.ts",
    from: " ||\n    (condition as ErrorClass).prototype instanceof Error",
    to: "",
  },
  {
    name: "loses a failure of undefined",
    file: "src/_live_attempt.ts",
    from: "if (failure) record.error",
    to: "if (failure?.error !== undefined) record.error",
  },
  {
    name: "shows isFinal the held chunks twice",
    file: "src/_committed_stream.ts",
    from: "if (held.length > 0) {",
    to: `if (held.length > 0) {
      this.#attempt.isEnd({ done: false, value: held[0] });`,
  },
  {
    name: "asks isFinal no more once it was true",
    file: "src/_live_attempt.ts",
    from: "if (this.#finalJudge?.isFinal?.(result.value))",
    to: "if (!this.isFinished && this.#finalJudge?.isFinal?.(result.value))",
  },
  {
    name: "shows isFinal nothing that comes before commitment",
    file: "src/_live_attempt.ts",
    from: "if (this.#finalJudge?.isFinal?.(result.value))",
    to:
      `if (this.record.outcome === "streaming" && this.#finalJudge?.isFinal?.(result.value))`,
  },
  {
    name: "believes only the last chunk to be final",
    file: "src/_live_attempt.ts",
    from:
      "if (this.#finalJudge?.isFinal?.(result.value)) this.isFinished = true;",
    to: "this.isFinished = this.#finalJudge?.isFinal?.(result.value);",
  },
  {
    name: "ends a cut answer as if it were whole",
    file: "src/_live_attempt.ts",
    from: "throw new TruncatedStreamError(this.record.model);",
    to: "return true;",
  },
  {
    name: "reports a truncation before content as empty",
    file: "src/_live_attempt.ts",
    from: "if (!this.#finalJudge || this.isFinished) return true;",
    to:
      `if (!this.#finalJudge || this.isFinished || this.record.outcome === "pending") return true;`,
  },
  {
    name: "lets allowEmpty excuse a truncation",
    file: "src/_live_attempt.ts",
    from: "if (!this.#finalJudge || this.isFinished) return true;",
    to: `if (!this.#finalJudge || this.isFinished) return true;
    if (this.record.outcome === "pending" && this.#call.chain.options.allowEmpty) {
      return true;
    }`,
  },
  {
    name: "takes an answer without content for one",
    file: "src/_live_attempt.ts",
    from: "if (!content && !this.#call.chain.options.allowEmpty) {",
    to: "if (false) {",
  },
  {
    name: "takes an empty answer for a failure in spite of allowEmpty",
    file: "src/_live_attempt.ts",
    from: "if (!content && !this.#call.chain.options.allowEmpty) {",
    to: "if (!content) {",
  },
  {
    name: "drops what an answer without content consists of",
    file: "src/_live_attempt.ts",
    from: "if (content) {",
    to: `if (!content) this.held.length = 0;
    if (content) {`,
  },
  {
    name: "tells of content in an answer that has none",
    file: "src/_live_attempt.ts",
    from: "if (content) {",
    to: "if (true) {",
  },
  {
    name: "throws the model's own error where there was one model",
    file: "src/fallback_stream.ts",
    from: "if (!accepted) throw failure;",
    to: "if (!accepted || chain.models.length === 1) throw failure;",
  },
  {
    name: "throws the last error where all have failed",
    file: "src/fallback_stream.ts",
    from: "if (!accepted) throw failure;",
    to: "if (!accepted || index === chain.models.length - 1) throw failure;",
  },
  {
    name: "leaves the models out of the message",
    file: "src/errors.ts",
    from: "`${model}: ${messageOf(error)}`",
    to: "messageOf(error)",
  },
  {
    name: "wraps an error in mid-answer",
    file: "src/_committed_stream.ts",
    from: "const failure = { error };",
    to:
      `const failure = { error: new Error("interrupted", { cause: error }) };`,
  },
  {
    name: "throws an error in mid-answer twice",
    file: "src/_committed_stream.ts",
    from: "if (pending.length === 0) this.#rejection = failure;",
    to: "this.#rejection = failure;",
  },
  {
    name: "ends quietly on an undefined error in mid-answer",
    file: "src/_committed_stream.ts",
    from: "if (failure) pending.shift()",
    to: "if (failure?.error !== undefined) pending.shift()",
  },
  {
    name: "passes an error in mid-answer on and closes nothing",
    file: "src/_committed_stream.ts",
    from: `    this.#source.exhausted = true;
    this.#interrupt(error);`,
    to: `    const answer = this.#waiting;
    this.#waiting = undefined;
    answer(Promise.reject(error));`,
  },
  {
    name: "does not say which model was empty",
    file: "src/_live_attempt.ts",
    from: "new EmptyStreamError(record.model)",
    to: `new EmptyStreamError("")`,
  },
  {
    name: "dies of a failure that cannot be printed",
    file: "src/errors.ts",
    from: "return typeof error;",
    to: "throw new TypeError();",
  },
];
