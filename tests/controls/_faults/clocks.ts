// Faults against R17: clocks.

import type { Control } from "../_control.ts";

export const clocks: readonly Control[] = [
  {
    name: "never clears the total clock",
    file: "src/_call.ts",
    from: "clearTimeout(this.#totalTimer);",
    to: "",
  },
  {
    name: "never clears the open clock",
    edits: [
      {
        file: "src/_live_attempt.ts",
        from: "clearTimeout(this.#openClock);\n    record.openedAt",
        to: "record.openedAt",
      },
      {
        file: "src/_live_attempt.ts",
        from: "clearTimeout(this.#openClock);\n    clearTimeout",
        to: "clearTimeout",
      },
    ],
  },
  {
    name: "never clears the content clock",
    edits: [
      {
        file: "src/_live_attempt.ts",
        from: `clearTimeout(this.#contentClock);
    record.outcome = "streaming";`,
        to: `record.outcome = "streaming";`,
      },
      {
        file: "src/_live_attempt.ts",
        from: `clearTimeout(this.#contentClock);
    record.outcome = outcome;`,
        to: "record.outcome = outcome;",
      },
    ],
  },
  {
    name: "lets the open clock run after the opening",
    file: "src/_live_attempt.ts",
    from: "clearTimeout(this.#openClock);\n    record.openedAt",
    to: "record.openedAt",
  },
  {
    name: "lets the content clock run after commitment",
    edits: [
      {
        file: "src/_live_attempt.ts",
        from: `clearTimeout(this.#contentClock);
    record.outcome = "streaming";`,
        to: `record.outcome = "streaming";`,
      },
      {
        file: "src/_live_attempt.ts",
        from: `if (this.record.outcome !== "pending") return;`,
        to: "if (this.#over) return;",
      },
    ],
  },
  {
    name: "lets the open clock survive its attempt",
    file: "src/_live_attempt.ts",
    from: "clearTimeout(this.#openClock);\n    clearTimeout",
    to: "clearTimeout",
  },
  {
    name: "lets the content clock survive its attempt",
    file: "src/_live_attempt.ts",
    from: `clearTimeout(this.#contentClock);
    record.outcome = outcome;`,
    to: "record.outcome = outcome;",
  },
  {
    name: "sets the clocks of an attempt that the 'attempt' event has ended",
    edits: [
      {
        file: "src/_live_attempt.ts",
        from:
          `      this.#call.emit("attempt", this.record, this.record.startedAt);
      if (this.#over) return;
`,
        to:
          `      this.#call.emit("attempt", this.record, this.record.startedAt);
`,
      },
      {
        file: "src/_live_attempt.ts",
        from: "this.#call.around(() =>",
        to: `if (this.#over) return;
      this.#call.around(() =>`,
      },
    ],
  },
  {
    name: "never clears the idle clock",
    file: "src/_idle_clock.ts",
    from: "clearTimeout(this.#timer);",
    to: "",
  },
  {
    name: "counts the caller's slowness as idle",
    file: "src/_committed_stream.ts",
    from: "this.#idle?.pause();",
    to: "",
  },
  {
    name: "re-arms the idle clock for ever",
    file: "src/_idle_clock.ts",
    from: "if (this.#deadline === undefined) return;",
    to: `if (this.#deadline === undefined) {
      this.#timer = setTimeout(this.#check, this.#ms);
      return;
    }`,
  },
  {
    name: "measures idleMs from the first pull",
    file: "src/_idle_clock.ts",
    from: "this.#deadline = Date.now() + this.#ms;",
    to: "this.#deadline ??= this.first ??= Date.now() + this.#ms;",
  },
  {
    name: "looks at the idle clock once only",
    file: "src/_idle_clock.ts",
    from: "else this.#timer =",
    to: "else if (false) this.#timer =",
  },
  {
    name: "grants a whole idleMs anew whenever the idle clock is looked at",
    file: "src/_idle_clock.ts",
    from: "setTimeout(this.#check, left)",
    to: "setTimeout(this.#check, this.#ms)",
  },
  {
    name: "runs the idle clock from commitment",
    file: "src/_committed_stream.ts",
    from: "call.running.add(this);",
    to: `call.running.add(this);
    this.#idle?.start();`,
  },
  {
    name: "lets the idle clock fall back",
    file: "src/_committed_stream.ts",
    from: `this.#interrupt(new ModelTimeoutError(model, "idle", idleMs));`,
    to: `this.#end("completed");`,
  },
  {
    name: "calls a time-out between chunks cancelled",
    file: "src/_committed_stream.ts",
    from: `this.#interrupt(new ModelTimeoutError(model, "idle", idleMs));`,
    to:
      `this.#end("cancelled", { error: new ModelTimeoutError(model, "idle", idleMs) });`,
  },
  {
    name: "measures contentMs from the opening",
    edits: [
      {
        file: "src/_live_attempt.ts",
        from: `      this.#contentClock = this.#clock("content", contentMs);\n`,
        to: "",
      },
      {
        file: "src/_live_attempt.ts",
        from: "record.openedAt = Date.now();",
        to: `record.openedAt = Date.now();
    const { contentMs } = this.#call.chain.clocks;
    this.#contentClock = this.#clock("content", contentMs);`,
      },
    ],
  },
  {
    name: "measures contentMs anew for every chunk that is held",
    file: "src/_live_attempt.ts",
    from: "this.held.push(result.value);",
    to: `this.held.push(result.value);
      clearTimeout(this.#contentClock);
      const { contentMs } = this.#call.chain.clocks;
      this.#contentClock = this.#clock("content", contentMs);`,
  },
  {
    name: "calls every time-out before content one of opening",
    file: "src/_live_attempt.ts",
    from: "new ModelTimeoutError(this.record.model, phase, ms)",
    to: `new ModelTimeoutError(this.record.model, "open", ms)`,
  },
  {
    name: "waits for a model whose time-out it has told",
    file: "src/_live_attempt.ts",
    from: "this.#refuse(error);",
    to: "if (this.record.openedAt) this.#refuse(error);",
  },
  {
    name: "ends the total clock at commitment",
    file: "src/_committed_stream.ts",
    from: "call.running.add(this);",
    to: `call.running.add(this);
    call.end();`,
  },
  {
    name: "lets the total clock name the first model",
    file: "src/_call.ts",
    from: "this.attempts.at(-1)?.model",
    to: "this.attempts[0]?.model",
  },
  {
    name: "falls back when the total clock has run out",
    file: "src/_call.ts",
    from: `this.#cancel(new ModelTimeoutError(model, "total", totalMs));`,
    to: `const error = new ModelTimeoutError(model, "total", totalMs);
      this.#stopAll("cancelled", { error });`,
  },
  {
    name: "takes a duration of 0 for none",
    file: "src/_live_attempt.ts",
    from: "if (ms === undefined) return undefined;",
    to: "if (!ms) return undefined;",
  },
  {
    name: "takes a totalMs of 0 for none",
    file: "src/_call.ts",
    from: "if (totalMs === undefined) return;",
    to: "if (!totalMs) return;",
  },
  {
    name: "takes an idleMs of 0 for none",
    file: "src/_committed_stream.ts",
    from: "if (idleMs !== undefined) {",
    to: "if (idleMs) {",
  },
  {
    name: "takes a closeMs of 0 for the default",
    file: "src/_chain.ts",
    from: `read("closeMs") ?? 1000`,
    to: `read("closeMs") || 1000`,
  },
  {
    name: "arms the idle clock no more once it has rested",
    file: "src/_idle_clock.ts",
    from: `    this.#timer = undefined;
    if`,
    to: "    if",
  },
];
