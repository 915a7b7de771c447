// Faults against R10 to R13: closing.

import type { Control } from "../_control.ts";

export const closing: readonly Control[] = [
  {
    name: "forgets a stream that opens late",
    file: "src/_live_attempt.ts",
    from: "if (this.#over) return this.#closeLate(source);",
    to: "if (this.#over) return;",
  },
  {
    name: "stops a stream that opens late, but does not dispose of it",
    file: "src/_live_attempt.ts",
    from:
      `      // There is nothing to read, but perhaps something to dispose of.
    }
    await this.#take(source.closing(this.#controller.signal.reason));`,
    to: `    }
    await this.#take(source.closing(this.#controller.signal.reason).slice(0, 1));`,
  },
  {
    name: "does not dispose of a late source that cannot be read",
    file: "src/_live_attempt.ts",
    from: "// There is nothing to read, but perhaps something to dispose of.",
    to: "return;",
  },
  {
    name: "does not dispose of a source that cannot be read",
    file: "src/_live_attempt.ts",
    from: `this.source = source;
    source.start();`,
    to: `source.start();
    this.source = source;`,
  },
  {
    name: "never aborts the attempt's signal",
    file: "src/_live_attempt.ts",
    from: "if (!this.#natural) this.#controller.abort(failure?.error);",
    to: "",
  },
  {
    name: "aborts the attempt's signal after the close",
    edits: [
      {
        file: "src/_live_attempt.ts",
        from: "if (!this.#natural) this.#controller.abort(failure?.error);",
        to: "this.failure = failure;",
      },
      {
        file: "src/_live_attempt.ts",
        from: "await this.#take(this.#stack.closing());",
        to: `await this.#take(this.#stack.closing());
    if (!this.#natural) this.#controller.abort(this.failure?.error);`,
      },
    ],
  },
  {
    name: "aborts the attempt's signal after a natural end",
    file: "src/_live_attempt.ts",
    from: "if (!this.#natural) this.#controller.abort",
    to: "this.#controller.abort",
  },
  {
    name: "aborts the attempt's signal for no reason",
    file: "src/_live_attempt.ts",
    from: "this.#controller.abort(failure?.error);",
    to: "this.#controller.abort();",
  },
  {
    name: "wraps the reason of the attempt's signal",
    file: "src/_live_attempt.ts",
    from: "this.#controller.abort(failure?.error);",
    to:
      `this.#controller.abort(failure && new Error("over", { cause: failure.error }));`,
  },
  {
    name: "closes the stack before the source",
    edits: [
      {
        file: "src/_live_attempt.ts",
        from: `    const { source } = this;
    if (source) {`,
        to: `    const { source } = this;
    await this.#take(this.#stack.closing());
    if (source) {`,
      },
      {
        file: "src/_live_attempt.ts",
        from: `    await this.#take(this.#stack.closing());
    this.#call.emit`,
        to: "    this.#call.emit",
      },
    ],
  },
  {
    name: "disposes of the source before it stops it",
    file: "src/_source.ts",
    from: "return steps;",
    to: "return steps.reverse();",
  },
  {
    name: "never stops a source",
    file: "src/_source.ts",
    from: "} else if (iterator && !this.exhausted) {",
    to: "} else if (false) {",
  },
  {
    name: "stops a source that has ended",
    file: "src/_source.ts",
    from: "} else if (iterator && !this.exhausted) {",
    to: "} else if (iterator) {",
  },
  {
    name: "stops a source that threw before commitment",
    file: "src/_live_attempt.ts",
    from: `source.exhausted = true;
      throw error;`,
    to: "throw error;",
  },
  {
    name: "stops a source that threw after commitment",
    file: "src/_committed_stream.ts",
    from: "this.#source.exhausted = true;\n",
    to: "",
  },
  {
    name: "stops a source twice",
    file: "src/_source.ts",
    from: "steps.push(() => iterator.return?.());",
    to: "steps.push(() => iterator.return?.(), () => iterator.return?.());",
  },
  {
    name: "releases a reader without cancelling",
    file: "src/_source.ts",
    from: "await reader.cancel(reason);",
    to: "",
  },
  {
    name: "cancels a reader without the reason",
    file: "src/_source.ts",
    from: "reader.cancel(reason)",
    to: "reader.cancel()",
  },
  {
    name: "forgets to release the reader's lock",
    file: "src/_source.ts",
    from: "reader.releaseLock();",
    to: "",
  },
  {
    name: "reads a ReadableStream by its iterator",
    file: "src/_source.ts",
    from: `if (typeof given.getReader === "function") {`,
    to: "if (false) {",
  },
  {
    name: "disposes of nothing",
    file: "src/_source.ts",
    from: "if (given !== iterator) {",
    to: "if (false) {",
  },
  {
    name: "disposes of no source that came to its end",
    file: "src/_source.ts",
    from: "if (given !== iterator) {",
    to: "if (given !== iterator && !this.exhausted) {",
  },
  {
    name: "disposes also of a source that is its own iterator",
    file: "src/_source.ts",
    from: "if (given !== iterator) {",
    to: "if (true) {",
  },
  {
    name: "knows no Symbol.dispose",
    file: "src/_source.ts",
    from: "given[Symbol.asyncDispose] ?? given[Symbol.dispose]",
    to: "given[Symbol.asyncDispose]",
  },
  {
    name: "prefers Symbol.dispose to Symbol.asyncDispose",
    file: "src/_source.ts",
    from: "given[Symbol.asyncDispose] ?? given[Symbol.dispose]",
    to: "given[Symbol.dispose] ?? given[Symbol.asyncDispose]",
  },
  {
    name: "never closes the model's stack",
    file: "src/_model_stack.ts",
    from: "return this.#steps ?? [];",
    to: "return [];",
  },
  {
    name: "closes the model's stack first in first out",
    file: "src/_model_stack.ts",
    from: ".unshift(close)",
    to: ".push(close)",
  },
  {
    name: "lets one that hangs hold up what lies below it on the model's stack",
    file: "src/_model_stack.ts",
    from: "return this.#steps ?? [];",
    to: `const steps = this.#steps;
    return steps
      ? [async () => {
        for (const step of steps) await step();
      }]
      : [];`,
  },
  {
    name: "seals the stack when the model is committed",
    file: "src/_live_attempt.ts",
    from: `record.outcome = "streaming";`,
    to: `record.outcome = "streaming";
    this.#stack.seal();`,
  },
  {
    name: "never seals the stack",
    file: "src/_live_attempt.ts",
    from: "this.#stack.seal();",
    to: "",
  },
  {
    name: "seals the stack only after the close",
    edits: [
      { file: "src/_live_attempt.ts", from: "this.#stack.seal();", to: "" },
      {
        file: "src/_live_attempt.ts",
        from: `this.#call.emit("closed", this.record);`,
        to: `this.#stack.seal();
    this.#call.emit("closed", this.record);`,
      },
    ],
  },
  {
    name: "refuses a late addition to the stack without closing it",
    file: "src/_model_stack.ts",
    from: "close().catch(this.#note);",
    to: "",
  },
  {
    name: "closes a late addition to the stack without refusing it",
    file: "src/_model_stack.ts",
    from: "this.#signal.throwIfAborted();",
    to: "if (this.#signal.aborted) return added;",
  },
  {
    name: "refuses a late addition to the stack with an error of its own",
    file: "src/_model_stack.ts",
    from: "this.#signal.throwIfAborted();",
    to: "",
  },
  {
    name: "lets a late addition go unhandled that does not close",
    file: "src/_model_stack.ts",
    from: "close().catch(this.#note);",
    to: "close();",
  },
  {
    name: "swallows a close error",
    file: "src/_live_attempt.ts",
    from: "if (kept.length === 0) return;",
    to: "return;",
  },
  {
    name: "records a close error, but never throws it",
    file: "src/_committed_stream.ts",
    from: "if (closeError.length > 0 && !this.#closeErrorThrown) {",
    to: "if (false) {",
  },
  {
    name: "throws a close error from next()",
    file: "src/_committed_stream.ts",
    from: "if (rejection) throw rejection.error;",
    to: `if (rejection) throw rejection.error;
    for (const error of thrownOnClose(this.#attempt.record)) {
      if (!this.#closeErrorThrown) {
        this.#closeErrorThrown = true;
        throw error;
      }
    }`,
  },
  {
    name: "throws a close error from the first next() and from return()",
    file: "src/_committed_stream.ts",
    from: "for (const answer of pending) answer(done());",
    to: `const [closeError] = thrownOnClose(this.#attempt.record);
    for (const answer of pending) {
      answer(closeError ? Promise.reject(closeError) : done());
    }`,
  },
  {
    name: "throws a close error from every return()",
    file: "src/_committed_stream.ts",
    from: "this.#closeErrorThrown = true;",
    to: "",
  },
  {
    name: "throws a close error in place of throw()'s",
    file: "src/_committed_stream.ts",
    from: `await this.#abandon();
    throw error;`,
    to: `await this.return();
    throw error;`,
  },
  {
    name: "throws a close error in place of the failure",
    file: "src/_live_attempt.ts",
    from: "record.closeError = ",
    to: "record.error = record.closeError = ",
  },
  {
    name: "lets a close error stop the chain",
    file: "src/_live_attempt.ts",
    from: `this.#call.emit("closed", this.record);`,
    to: `this.#call.emit("closed", this.record);
    if (this.record.outcome === "failed" && "closeError" in this.record) {
      throw this.record.closeError;
    }`,
  },
  {
    name: "keeps only the last of several close errors",
    file: "src/_live_attempt.ts",
    from: "new SuppressedError(kept[0], record.closeError)",
    to: "kept[0]",
  },
  {
    name: "turns several close errors round",
    file: "src/_live_attempt.ts",
    from: "new SuppressedError(kept[0], record.closeError)",
    to: "new SuppressedError(record.closeError, kept[0])",
  },
  {
    name: "takes the echo of its own abort for a close error",
    edits: [
      {
        file: "src/_live_attempt.ts",
        from: "error === reason || ",
        to: "",
      },
      {
        file: "src/_live_attempt.ts",
        from: `if ("error" in record && error === record.error) return true;`,
        to: "",
      },
    ],
  },
  {
    name: "takes an echo as a cause for a close error",
    file: "src/_live_attempt.ts",
    from: " || cause === reason",
    to: "",
  },
  {
    name: "takes an AbortError after its own abort for a close error",
    file: "src/_live_attempt.ts",
    from: ` || name === "AbortError"`,
    to: "",
  },
  {
    name: "takes an echo inside a SuppressedError for a close error",
    file: "src/_close.ts",
    from: "if (!(error instanceof SuppressedError)) return [error];",
    to: "return [error];",
  },
  {
    name: "keeps an echo beside a close error",
    file: "src/_close.ts",
    from: "return later.length ? later : first;",
    to: "return later.length || first.length ? [error] : [];",
  },
  {
    name: "takes an AbortError for an echo though it aborted nothing",
    file: "src/_live_attempt.ts",
    from: "if (!aborted) return false;",
    to: `if (!aborted) return error?.name === "AbortError";`,
  },
  {
    name: "takes every close error for an echo",
    file: "src/_live_attempt.ts",
    from: `if ("error" in record && error === record.error) return true;`,
    to: "return true;",
  },
  {
    name: "waits for a hung close for ever",
    file: "src/_close.ts",
    from: "late ? [clock, closing] : [closing, clock],",
    to: "late ? [clock, closing] : [closing],",
  },
  {
    name: "stops at a hung close of the source",
    file: "src/_close.ts",
    from: "for (const step of steps) {",
    to: `for (const step of steps) {
    if (late) break;`,
  },
  {
    name: "stops at a hung close, and leaves the stack",
    file: "src/_live_attempt.ts",
    from:
      'this.#note(new ModelTimeoutError(this.record.model, "close", closeMs));',
    to: `throw new ModelTimeoutError(this.record.model, "close", closeMs);`,
  },
  {
    name: "stops at a close that throws",
    file: "src/_close.ts",
    from: "note(error);",
    to: `note(error);
      break;`,
  },
  {
    name: "skips the stack when closing the source throws",
    file: "src/_live_attempt.ts",
    from: "await this.#take(this.#stack.closing());",
    to:
      `if (!("closeError" in this.record)) await this.#take(this.#stack.closing());`,
  },
  {
    name: "lets the source and the stack share closeMs",
    edits: [
      {
        file: "src/_live_attempt.ts",
        from: `    if (source) {
      await this.#take(source.closing(this.#controller.signal.reason));
    }
    await this.#take(this.#stack.closing());`,
        to:
          `    const steps = source?.closing(this.#controller.signal.reason) ?? [];
    await this.#take([...steps, ...this.#stack.closing()]);`,
      },
    ],
  },
  {
    name: "gives stopping and disposal closeMs each",
    file: "src/_live_attempt.ts",
    from:
      `      await this.#take(source.closing(this.#controller.signal.reason));
    }`,
    to:
      `      for (const step of source.closing(this.#controller.signal.reason)) {
        await this.#take([step]);
      }
    }`,
  },
  {
    name: "gives every close its default of a second",
    file: "src/_chain.ts",
    from: `closeMs: read("closeMs") ?? 1000`,
    to: `closeMs: 1000`,
  },
  {
    name: "gives a close half a second by default",
    file: "src/_chain.ts",
    from: `closeMs: read("closeMs") ?? 1000`,
    to: `closeMs: read("closeMs") ?? 500`,
  },
  {
    name: "leaves the close clock running",
    file: "src/_close.ts",
    from: "clearTimeout(timer);",
    to: "",
  },
  {
    name: "takes all the steps of a close at once",
    edits: [
      {
        file: "src/_close.ts",
        from: "for (const step of steps) {",
        to: `const begun = steps.map(async (step) => await step());
  for (const one of begun) one.catch(() => {});
  for (const step of begun) {`,
      },
      { file: "src/_close.ts", from: "= step();", to: "= step;" },
    ],
  },
  {
    name: "lets a rejection go unhandled that comes after the time is up",
    file: "src/_close.ts",
    from: "const closing = step();",
    to: `const closing = step();
      if (late) continue;`,
  },
  {
    name: "throws to the caller that a close took too long",
    file: "src/_close.ts",
    from:
      `(error) => error instanceof ModelTimeoutError && error.phase === "close",`,
    to: "() => false,",
  },
  {
    name: "throws no time-out that a model's own close throws",
    file: "src/_close.ts",
    from: ` && error.phase === "close",`,
    to: ",",
  },
  {
    name: "does not record that a close took too long",
    file: "src/_live_attempt.ts",
    from:
      'this.#note(new ModelTimeoutError(this.record.model, "close", closeMs));',
    to: "",
  },
  {
    name: "lets a second return() come back before everything is closed",
    file: "src/_committed_stream.ts",
    from: `return this.#closed ?? this.#end("cancelled");`,
    to: `return this.#closed ? Promise.resolve() : this.#end("cancelled");`,
  },
  {
    name: "closes again with every return()",
    file: "src/_committed_stream.ts",
    from: `return this.#closed ?? this.#end("cancelled");`,
    to: `return this.#end("cancelled");`,
  },
  {
    name: "answers a next() after the end before everything is closed",
    file: "src/_committed_stream.ts",
    from: "await closed;",
    to: "",
  },
  {
    name: "answers the next() that waits before everything is closed",
    edits: [
      {
        file: "src/_committed_stream.ts",
        from: "    await this.#stack.disposeAsync();\n",
        to: "",
      },
      {
        file: "src/_committed_stream.ts",
        from: "for (const answer of pending) answer(done());",
        to: `for (const answer of pending) answer(done());
    await this.#stack.disposeAsync();`,
      },
    ],
  },
  {
    name: "takes the attempt's own failure for a close error",
    file: "src/_live_attempt.ts",
    from: `if ("error" in record && error === record.error) return true;`,
    to: "",
  },
  {
    name: "rebuilds a SuppressedError that a close throws",
    file: "src/_close.ts",
    from: "same ? error : new",
    to: "new",
  },
  {
    name: "rejects throw() before everything is closed",
    file: "src/_committed_stream.ts",
    from: `await this.#abandon();
    throw error;`,
    to: `this.#abandon();
    throw error;`,
  },
  {
    name: "resolves a disposal before everything is closed",
    file: "src/_committed_stream.ts",
    from: `async [Symbol.asyncDispose](): Promise<void> {
    await this.return();`,
    to: `async [Symbol.asyncDispose](): Promise<void> {
    this.return();`,
  },
  {
    name: "resolves ReadableStream.cancel() before everything is closed",
    file: "src/_readable.ts",
    from: "await stream.return();",
    to: "stream.return();",
  },
  {
    name: "keeps an echo deep inside a SuppressedError",
    file: "src/_close.ts",
    from: "later[0] === error.error && first[0]",
    to: "later[0] === error.error || first[0]",
  },
];
