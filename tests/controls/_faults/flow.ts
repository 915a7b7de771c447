// Faults against R14 to R16: flow, what calls share, records and events.

import type { Control } from "../_control.ts";

export const flow: readonly Control[] = [
  {
    name: "reads one chunk ahead",
    file: "src/_source.ts",
    from:
      "return Promise.resolve(this.#next.call(this.#reader ?? this.#iterator));",
    to: `const pull = () => this.#next.call(this.#reader ?? this.#iterator);
      const now = this.ahead ?? Promise.resolve(pull());
      this.ahead = now.then((result) => result.done ? result : pull());
      this.ahead.catch(() => {});
      return now;`,
  },
  {
    name: "reads ahead of the caller who waits for nothing any more",
    file: "src/_committed_stream.ts",
    from: "if (this.#queue.length === 0) return;",
    to: `if (this.#queue.length === 0) {
      if (this.#source.ahead) return;
      this.#source.ahead = true;
      const { promise, resolve, reject } = Promise.withResolvers();
      promise.catch(() => {});
      const pull = this.#source.pull.bind(this.#source);
      pull().then(resolve, reject);
      this.#source.pull = () => {
        this.#source.pull = pull;
        return promise;
      };
      return;
    }`,
  },
  {
    name: "reads ahead as a ReadableStream",
    file: "src/_readable.ts",
    from: "highWaterMark: 0",
    to: "highWaterMark: 1",
  },
  {
    name: "pulls beside a pull that waits",
    file: "src/_committed_stream.ts",
    from: `    if (this.#waiting) {
      return new Promise((answer) => this.#queue.push(answer));
    }`,
    to: `    if (this.#waiting) {
      return this.#source.pull().then(({ done, value }) => {
        if (!done) this.#attempt.record.chunks++;
        return { done, value };
      });
    }`,
  },
  {
    name: "answers concurrent next() backwards",
    file: "src/_committed_stream.ts",
    from: "this.#queue.shift()",
    to: "this.#queue.pop()",
  },
  {
    name: "answers only the first of concurrent next()",
    file: "src/_committed_stream.ts",
    from: "if (this.#queue.length === 0) return;",
    to: "return;",
  },
  {
    name: "queues return() behind next()",
    edits: [
      {
        file: "src/_committed_stream.ts",
        from: "const answer = new Promise(this.#wait);",
        to: "const answer = this.last = new Promise(this.#wait);",
      },
      {
        file: "src/_committed_stream.ts",
        from: `async return(): Promise<IteratorReturnResult<undefined>> {`,
        to: `async return(): Promise<IteratorReturnResult<undefined>> {
    await this.last?.catch(() => {});`,
      },
    ],
  },
  {
    name: "queues throw() behind next()",
    edits: [
      {
        file: "src/_committed_stream.ts",
        from: "const answer = new Promise(this.#wait);",
        to: "const answer = this.last = new Promise(this.#wait);",
      },
      {
        file: "src/_committed_stream.ts",
        from: `async throw(error?: unknown): Promise<Result<Chunk>> {`,
        to: `async throw(error?: unknown): Promise<Result<Chunk>> {
    await this.last?.catch(() => {});`,
      },
    ],
  },
  {
    name: "leaves the next() that waits without an answer on return()",
    file: "src/_committed_stream.ts",
    from: "for (const answer of pending) answer(done());",
    to: "",
  },
  {
    name: "answers only the first next() that waits on return()",
    file: "src/_committed_stream.ts",
    from: "for (const answer of pending) answer(done());",
    to: "pending[0]?.(done());",
  },
  {
    name: "remembers for all calls which model is down",
    edits: [
      {
        file: "src/fallback_stream.ts",
        from: "let index = from;",
        to: "let index = openChain.first ?? 0;",
      },
      {
        file: "src/fallback_stream.ts",
        from: "if (!accepted) throw failure;",
        to: `if (!accepted) throw failure;
      openChain.first = index + 1;
        setTimeout(() => openChain.first = 0, 20);`,
      },
    ],
  },
  {
    name: "shares the records between calls",
    file: "src/fallback_stream.ts",
    from: "attempts: Attempt[] = [],",
    to: "attempts: Attempt[] = openChain.shared ??= [],",
  },
  {
    name: "shares what was stopped between calls with the same models",
    edits: [
      {
        file: "src/_call.ts",
        from: "readonly running = new Set<Stoppable>();",
        to: `static busy = new Set<Stoppable>();
  readonly running = Call.busy;`,
      },
    ],
  },
  {
    name: "works on the caller's own list of models",
    file: "src/_chain.ts",
    from: `models: readList<ModelLike<Request, Chunk>>("models", models)
      .map(readModel),`,
    to: "models: Object.assign(models, models.map(readModel)),",
  },
  {
    name: "lets what onEvent throws end the call",
    file: "src/_call.ts",
    from: `forget(options.onEvent(event));
    } catch {`,
    to: `forget(options.onEvent(event));
    } catch (error) {
      throw error;`,
  },
  {
    name: "lets a promise of onEvent's go unhandled",
    file: "src/_call.ts",
    from: "forget(options.onEvent(event));",
    to: "options.onEvent(event);",
  },
  {
    name: "tells of an attempt after the model was called",
    edits: [
      {
        file: "src/_live_attempt.ts",
        from:
          `      this.#call.emit("attempt", this.record, this.record.startedAt);
      if (this.#over) return;`,
        to: "",
      },
      {
        file: "src/_live_attempt.ts",
        from: "const source = new Source(given);",
        to: `const source = new Source(given);
    this.#call.emit("attempt", this.record, this.record.startedAt);`,
      },
    ],
  },
  {
    name: "tells of a close before it",
    edits: [
      {
        file: "src/_live_attempt.ts",
        from: `this.#call.emit(outcome, record, record.endedAt, failure);`,
        to: `this.#call.emit(outcome, record, record.endedAt, failure);
    this.#call.emit("closed", record);`,
      },
      {
        file: "src/_live_attempt.ts",
        from: `    this.#call.emit("closed", this.record);`,
        to: "",
      },
    ],
  },
  {
    name: "tells of a failure only when everything is closed",
    edits: [
      {
        file: "src/_live_attempt.ts",
        from: "this.#call.emit(outcome, record, record.endedAt, failure);",
        to:
          "this.told = () => this.#call.emit(outcome, record, record.endedAt, failure);",
      },
      {
        file: "src/_live_attempt.ts",
        from: `this.#call.emit("closed", this.record);`,
        to: `this.told();
    this.#call.emit("closed", this.record);`,
      },
    ],
  },
  {
    name: "never tells of the opening",
    file: "src/_live_attempt.ts",
    from: `this.#call.emit("open", record, record.openedAt);`,
    to: "",
  },
  {
    name: "never tells of the first content",
    file: "src/_live_attempt.ts",
    from: `this.#call.emit("content", record, record.contentAt);`,
    to: "",
  },
  {
    name: "tells of a failure without the error",
    file: "src/_call.ts",
    from: "if (failure) event.error = failure.error;",
    to: "",
  },
  {
    name: "tells nothing of a cancellation between two attempts",
    file: "src/_call.ts",
    from: `this.emit("cancelled", undefined, undefined, { error });`,
    to: "",
  },
  {
    name: "tells twice of a cancellation during an attempt",
    file: "src/_call.ts",
    from:
      `if (this.attempts.some(({ outcome }) => outcome === "cancelled")) return;`,
    to: "",
  },
  {
    name: "counts held chunks before they are delivered",
    edits: [
      {
        file: "src/_live_attempt.ts",
        from: "this.held.push(result.value);",
        to: `this.held.push(result.value);
      this.record.chunks++;`,
      },
      {
        file: "src/_committed_stream.ts",
        from: `if (held.length > 0) {
      this.#attempt.record.chunks++;`,
        to: "if (held.length > 0) {",
      },
    ],
  },
  {
    name: "counts no chunk after the held ones",
    file: "src/_committed_stream.ts",
    from: "    this.#attempt.record.chunks++;\n    // The source",
    to: "    // The source",
  },
  {
    name: "does not record when the stream opened",
    file: "src/_live_attempt.ts",
    from: "record.openedAt = Date.now();",
    to: "",
  },
  {
    name: "does not record when content came",
    file: "src/_live_attempt.ts",
    from: "record.contentAt = Date.now();",
    to: "",
  },
  {
    name: "does not record when an attempt ended",
    file: "src/_live_attempt.ts",
    from: "record.endedAt = Date.now();",
    to: "",
  },
  {
    name: "records the end only when everything is closed",
    edits: [
      {
        file: "src/_live_attempt.ts",
        from: "record.endedAt = Date.now();",
        to: "",
      },
      {
        file: "src/_live_attempt.ts",
        from: `this.#call.emit("closed", this.record);`,
        to: `this.record.endedAt = Date.now();
    this.#call.emit("closed", this.record);`,
      },
    ],
  },
  {
    name: "counts attempts from 0",
    file: "src/_live_attempt.ts",
    from: "attempt: call.attempts.length + 1,",
    to: "attempt: call.attempts.length,",
  },
  {
    name: "tells every model that it is the first attempt",
    file: "src/_live_attempt.ts",
    from: "attempt: this.record.attempt,",
    to: "attempt: 1,",
  },
  {
    name: "records the wrong place in the list",
    file: "src/_live_attempt.ts",
    from: "index,\n      attempt:",
    to: "index: index + 1,\n      attempt:",
  },
  {
    name: "gives copies of the records",
    file: "src/_committed_stream.ts",
    from: "return this.#call.attempts;",
    to: "return this.#call.attempts.map((record) => ({ ...record }));",
  },
];
