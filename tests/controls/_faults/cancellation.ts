// Faults against R8 and R9: cancellation.

import type { Control } from "../_control.ts";

export const cancellation: readonly Control[] = [
  {
    name: "falls back on abort",
    file: "src/fallback_stream.ts",
    from: `    call.stop(error);
    await call.settle();
    rememberAttempts(error, attempts);`,
    to: `    if (signal?.aborted && from < chain.models.length - 1) {
      return await openChain(chain, request, undefined, { attempts, from: from + 1 });
    }
    call.stop(error);
    await call.settle();
    rememberAttempts(error, attempts);`,
  },
  {
    name: "shows an abort to fallbackOn",
    file: "src/_condition.ts",
    from: "if (call.isOver()) return false;",
    to: "",
  },
  {
    name: "begins a wait that nobody is left to end",
    file: "src/_call.ts",
    from: "if (this.isOver()) stop();",
    to: "",
  },
  {
    name: "announces a retry of a call that has ended",
    file: "src/_back_off.ts",
    from: "ms === undefined || call.isOver()",
    to: "ms === undefined",
  },
  {
    name: "forgets an abort while it asks a condition",
    file: "src/fallback_stream.ts",
    from: `failure, attempt.record);
      if (call.isDecided()) return undefined;
      if (!accepted)`,
    to: `failure, attempt.record);
      if (!accepted)`,
  },
  {
    name: "forgets an abort at the moment of commitment",
    file: "src/fallback_stream.ts",
    from: `await attempt.commit(request);
  call.throwIfStopped();`,
    to: "await attempt.commit(request);",
  },
  {
    name: "opens a model though the signal has aborted already",
    file: "src/fallback_stream.ts",
    from: `  try {
    call.throwIfStopped();`,
    to: "  try {",
  },
  {
    name: "aborts only between two steps",
    file: "src/_call.ts",
    from: `this.#stopAll("cancelled", this.#stopped);`,
    to: "",
  },
  {
    name: "aborts only between two pulls",
    file: "src/_committed_stream.ts",
    from: `this.#end("cancelled", failure);`,
    to: `if (!this.#waiting) this.#end("cancelled", failure);`,
  },
  {
    name: "aborts only when it is pulled",
    edits: [
      {
        file: "src/_committed_stream.ts",
        from: `this.#end("cancelled", failure);`,
        to: `if (this.#waiting) this.#end("cancelled", failure);
    else this.late = failure;`,
      },
      {
        file: "src/_committed_stream.ts",
        from: "if (this.#closed) return this.#afterEnd(this.#closed);",
        to: `if (this.late && !this.#closed) this.#end("cancelled", this.late);
    if (this.#closed) return this.#afterEnd(this.#closed);`,
      },
    ],
  },
  {
    name: "waits for a model that opens although the call was aborted",
    file: "src/_live_attempt.ts",
    from: "this.#refuse(failure?.error);",
    to: "",
  },
  {
    name: "waits for a condition although the call was aborted",
    file: "src/_condition.ts",
    from: "await call.wait(verdict)",
    to: "await verdict",
  },
  {
    name: "calls the model although the 'attempt' event ended the call",
    file: "src/_live_attempt.ts",
    from: `this.#call.emit("attempt", this.record, this.record.startedAt);
      if (this.#over) return;`,
    to: `this.#call.emit("attempt", this.record, this.record.startedAt);`,
  },
  {
    name: "commits although isContent ended the call",
    file: "src/_live_attempt.ts",
    from: `await this.#holdUntilContent(source);
    if (this.#over) return;`,
    to: "await this.#holdUntilContent(source);",
  },
  {
    name: "takes a provider's AbortError for the caller's",
    file: "src/fallback_stream.ts",
    from: "if (!accepted) throw failure;",
    to: `if (!accepted || failure?.name === "AbortError") throw failure;`,
  },
  {
    name: "ends an aborted call with an error of its own",
    file: "src/_call.ts",
    from: "this.#cancel(this.#signal!.reason);",
    to: `this.#cancel(new DOMException("Aborted", "AbortError"));`,
  },
  {
    name: "ends a call that was aborted before with an error of its own",
    file: "src/_call.ts",
    from: "if (signal?.aborted) {\n      this.handleEvent();",
    to: `if (signal?.aborted) {
      this.#cancel(new DOMException("Aborted", "AbortError"));`,
  },
  {
    name: "takes a reason of null for none",
    file: "src/_call.ts",
    from: "if (this.#stopped) throw this.#stopped.error;",
    to: "if (this.#stopped?.error) throw this.#stopped.error;",
  },
  {
    name: "swallows a reason of null after commitment",
    file: "src/_committed_stream.ts",
    from: "if (rejection) throw rejection.error;",
    to: "if (rejection?.error) throw rejection.error;",
  },
  {
    name: "delivers held chunks after an abort",
    edits: [
      {
        file: "src/_committed_stream.ts",
        from: "    if (this.#closed) return this.#afterEnd(this.#closed);\n",
        to: `    if (this.#closed && this.#attempt.held.length === 0) {
      return this.#afterEnd(this.#closed);
    }
`,
      },
      {
        file: "src/_committed_stream.ts",
        from: "this.#attempt.held.length = 0;",
        to: "",
      },
    ],
  },
  {
    name: "tells the youngest next() that waits of the abort",
    file: "src/_committed_stream.ts",
    from: "if (failure) pending.shift()",
    to: "if (failure) pending.pop()",
  },
  {
    name: "tells every next() that waits of the abort",
    file: "src/_committed_stream.ts",
    from: "for (const answer of pending) answer(done());",
    to: `for (const answer of pending) {
      answer(failure ? Promise.reject(failure.error) : done());
    }`,
  },
  {
    name: "keeps the abort from the next() that waits for the next one",
    file: "src/_committed_stream.ts",
    from: "if (failure) pending.shift()?.(Promise.reject(failure.error));",
    to: "this.#rejection = failure;",
  },
  {
    name: "delivers an abort again and again",
    file: "src/_committed_stream.ts",
    from: `const rejection = this.#rejection;
    this.#rejection = undefined;`,
    to: "const rejection = this.#rejection;",
  },
  {
    name: "keeps an undelivered abort beyond return()",
    file: "src/_committed_stream.ts",
    from: `this.#rejection = undefined;
    return this.#closed`,
    to: "return this.#closed",
  },
  {
    name: "lets the total clock overrule an abort that is being closed",
    file: "src/_call.ts",
    from: `    this.end();
    this.#stopped`,
    to: "    this.#stopped",
  },
  {
    name: "leaves its listener on the signal",
    file: "src/_call.ts",
    from: `this.#signal?.removeEventListener("abort", this);`,
    to: "",
  },
  {
    name: "leaves a signal composed by AbortSignal.any on the signal",
    file: "src/_call.ts",
    from: `signal?.addEventListener("abort", this);`,
    to: `if (signal) {
      this.any = AbortSignal.any([signal]);
      this.any.addEventListener("abort", this);
    }`,
  },
  {
    name: "leaves its listener on the signal when it throws",
    file: "src/_call.ts",
    from: `  stop(error: unknown): void {
    this.end();`,
    to: "  stop(error: unknown): void {",
  },
  {
    name: "leaves its listener on the signal when the stream ends",
    file: "src/_committed_stream.ts",
    from: "this.#call.end();",
    to: "",
  },
  {
    name: "leaves the model's stream open on return()",
    file: "src/_committed_stream.ts",
    from: `await this.#abandon();
    const closeError`,
    to: "const closeError",
  },
  {
    name: "leaves the model's stream open on throw()",
    file: "src/_committed_stream.ts",
    from: `await this.#abandon();
    throw error;`,
    to: "throw error;",
  },
  {
    name: "resolves throw()",
    file: "src/_committed_stream.ts",
    from: `await this.#abandon();
    throw error;`,
    to: `await this.#abandon();
    return done();`,
  },
  {
    name: "leaves the model's stream open on disposal",
    file: "src/_committed_stream.ts",
    from: `async [Symbol.asyncDispose](): Promise<void> {
    await this.return();`,
    to: "async [Symbol.asyncDispose](): Promise<void> {",
  },
  {
    name: "leaves the model's stream open on ReadableStream.cancel()",
    file: "src/_readable.ts",
    from: `    async cancel() {
      await stream.return();
    },`,
    to: "",
  },
  {
    name: "ends a ReadableStream where the answer breaks off",
    file: "src/_readable.ts",
    from: "const { done, value } = await stream.next();",
    to:
      "const { done, value } = await stream.next().catch(() => ({ done: true }));",
  },
  {
    name: "opens the next model when the caller leaves",
    file: "src/_committed_stream.ts",
    from: `return this.#closed ?? this.#end("cancelled");`,
    to: `const { model, index, attempt } = this.#attempt.record;
    const next = this.#closed ? undefined : this.#call.chain.models[index + 1];
    const { signal } = new AbortController();
    next?.stream("hi", { signal, stack: this.#stack, model, attempt });
    return this.#closed ?? this.#end("cancelled");`,
  },
  {
    name: "calls a stream that was left completed",
    file: "src/_committed_stream.ts",
    from: `return this.#closed ?? this.#end("cancelled");`,
    to: `return this.#closed ?? this.#end("completed");`,
  },
  {
    name: "lets a model that fails late overrule what ended its attempt",
    file: "src/_live_attempt.ts",
    from: `if (this.record.outcome !== "pending") return;`,
    to: "",
  },
  {
    name: "looks at what comes when the stream is closed",
    file: "src/_committed_stream.ts",
    from: `(result: IteratorResult<Chunk>): void => {
    if (this.#closed) return;`,
    to: "(result: IteratorResult<Chunk>): void => {",
  },
  {
    name: "delivers a chunk whose isFinal has closed the stream",
    file: "src/_committed_stream.ts",
    from: `closed the stream.
    if (this.#closed) return;`,
    to: "closed the stream.",
  },
];
