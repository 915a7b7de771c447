// Faults of health: R21.

import type { Control } from "../_control.ts";

export const health: readonly Control[] = [
  {
    name: "asks no store",
    file: "src/_call.ts",
    from: "this.gate = chain.options.health;",
    to: "",
  },
  {
    name: "asks a store only before the first attempt of a model",
    file: "src/fallback_stream.ts",
    from: "const asked = call.gate && await",
    to: "const asked = tries === 1 && call.gate && await",
  },
  {
    name: "asks before the back-off",
    edits: [
      {
        file: "src/fallback_stream.ts",
        from: "const asked = call.gate && await",
        to: "const asked = tries === 1 && call.gate && await",
      },
      {
        file: "src/fallback_stream.ts",
        from: "const again = retry &&",
        to:
          `const before = retry && call.gate && await ask(call, call.gate, model);
      if (before && !isAdmitted(call, before, model, index)) return undefined;
      const again = retry &&`,
      },
    ],
  },
  {
    name: "asks by the place of a model, not by its name",
    file: "src/_health.ts",
    from: "gate.admit(name)",
    to: "gate.admit(String(index))",
  },
  {
    name: "calls admit detached from its store",
    file: "src/_health.ts",
    from: "gate.admit(name)",
    to: "(0, gate.admit)(name)",
  },
  {
    name: "calls report detached from its store",
    file: "src/_call.ts",
    from: "health.report(model,",
    to: "(0, health.report)(model,",
  },
  {
    name: "opens a model although its circuit is open",
    file: "src/_health.ts",
    from: "    call.throwIfStopped();\n    return false;",
    to: "",
  },
  {
    name: "records no model that was skipped",
    file: "src/_health.ts",
    from: "    call.throwIfStopped();\n",
    to: "    call.attempts.pop();\n    call.throwIfStopped();\n",
  },
  {
    name: "tells of no model that was skipped",
    file: "src/_live_attempt.ts",
    from: "this.#call.emit(outcome, record, record.endedAt, failure);",
    to: `if (outcome !== "skipped") {
      this.#call.emit(outcome, record, record.endedAt, failure);
    }`,
  },
  {
    name: "tells of the close of a model that was skipped",
    file: "src/_live_attempt.ts",
    from: "this.#call.emit(outcome, record, record.endedAt, failure);",
    to: `this.#call.emit(outcome, record, record.endedAt, failure);
    if (outcome === "skipped") this.#call.emit("closed", record);`,
  },
  {
    name: "calls a skipped model failed",
    file: "src/_health.ts",
    from: `.end("skipped", { error })`,
    to: `.end("failed", { error })`,
  },
  {
    name: "says of a skipped model when its question was asked",
    edits: [
      {
        file: "src/_health.ts",
        from: "let admission: Admission | undefined;",
        to: `let admission: Admission | undefined;
  const asked = Date.now();`,
      },
      {
        file: "src/_health.ts",
        from: "    call.throwIfStopped();\n",
        to: "    Object.assign(call.attempts.at(-1), { startedAt: asked });\n",
      },
    ],
  },
  {
    name: "does not say when a circuit is worth asking again",
    file: "src/errors.ts",
    from: "this.retryAt = retryAt;",
    to: "",
  },
  {
    name: "counts a skipped model among the errors",
    file: "src/errors.ts",
    from: `ended.filter(({ outcome }) => outcome !== "skipped")`,
    to: "ended",
  },
  {
    name: "does not name a skipped model where all failed",
    file: "src/errors.ts",
    from: "const reasons = ended.map(",
    to:
      `const reasons = ended.filter(({ outcome }) => outcome !== "skipped").map(`,
  },
  {
    name: "gives up when every model is skipped",
    file: "src/fallback_stream.ts",
    from: `every(({ outcome }) => outcome === "skipped")`,
    to: "every(() => false)",
  },
  {
    name: "tries skipped models after all although others were asked",
    file: "src/fallback_stream.ts",
    from: `every(({ outcome }) => outcome === "skipped")`,
    to: `some(({ outcome }) => outcome === "skipped") && !stream`,
  },
  {
    name: "asks again where all were skipped",
    file: "src/fallback_stream.ts",
    from: "call.gate = undefined;",
    to: "",
  },
  {
    name: "asks again for the retries of a model that was skipped",
    file: "src/fallback_stream.ts",
    from: "const asked = call.gate && await ask(call, call.gate, model);",
    to: `const gate = tries > 1 ? call.chain.options.health : call.gate;
    const asked = gate && await ask(call, gate, model);`,
  },
  {
    name: "reports nothing where all were skipped",
    file: "src/_call.ts",
    from: "if (!health) return;",
    to: "if (!health || !this.gate) return;",
  },
  {
    name: "tries only the first after all",
    file: "src/fallback_stream.ts",
    from: `      call.gate = undefined;
      stream = await firstAnswer(call, request, from);`,
    to: `      call.gate = undefined;
      stream = await run(call, chain.models[from]!, from, request);`,
  },
  {
    name: "tries the last first after all",
    file: "src/fallback_stream.ts",
    from: `      call.gate = undefined;
      stream = await firstAnswer(call, request, from);`,
    to: `      call.gate = undefined;
      stream = await run(call, chain.models.at(-1)!, chain.models.length - 1, request) ??
        await firstAnswer(call, request, from);`,
  },
  {
    name: "tries no skipped model of a later part after all",
    file: "src/fallback_stream.ts",
    from: "attempts.slice(before).every(",
    to: "attempts.every(",
  },
  {
    name: "earns once more where all were skipped",
    edits: [
      {
        file: "src/fallback_stream.ts",
        from: "    chain.hedge?.options.budget?.earn();\n",
        to: "",
      },
      {
        file: "src/fallback_stream.ts",
        from: "const { models, hedge } = call.chain;",
        to: `const { models, hedge } = call.chain;
  hedge?.options.budget?.earn();`,
      },
    ],
  },
  {
    name: "forgets for all calls that a store is to be asked",
    file: "src/fallback_stream.ts",
    from: "call.gate = undefined;",
    to:
      "call.gate = Object.assign(chain.options, { health: undefined }).health;",
  },
  {
    name: "remembers for all calls what a store said",
    file: "src/_health.ts",
    from: "answer = gate.admit(name);",
    to:
      `const memory = (globalThis as any)[Symbol.for("memory")] ??= new WeakMap();
    if (!memory.has(gate)) memory.set(gate, new Map());
    const said = memory.get(gate);
    if (!said.has(name)) said.set(name, gate.admit(name));
    answer = said.get(name)!;`,
  },
  {
    name: "ends the call when a store throws",
    file: "src/_health.ts",
    from: "    // A store in trouble stands in nobody's way.",
    to: '    throw new Error("the store is in trouble");',
  },
  {
    name: "skips where a store throws",
    file: "src/_health.ts",
    from: "    // A store in trouble stands in nobody's way.",
    to: "    admission = { admit: false, retryAt: 0 };",
  },
  {
    name: "skips where a store says nothing that makes sense",
    file: "src/_health.ts",
    from: "else if (admission?.admit === false) {",
    to: "else if (!admission?.admit) {",
  },
  {
    name: "waits for a store without end",
    file: "src/_health.ts",
    from: "await call.wait(answer, PATIENCE_MS)",
    to: "await call.wait(answer)",
  },
  {
    name: "has no patience with a store",
    file: "src/_health.ts",
    from: "const PATIENCE_MS = 250;",
    to: "const PATIENCE_MS = 200;",
  },
  {
    name: "skips where a store is silent",
    file: "src/_health.ts",
    from: "await call.wait(answer, PATIENCE_MS)",
    to:
      "(await call.wait(answer, PATIENCE_MS)) ?? { admit: false, retryAt: 0 }",
  },
  {
    name: "waits a timer for an answer that is there at once",
    file: "src/_health.ts",
    from: `"then" in answer`,
    to: `"admit" in answer || "then" in answer`,
  },
  {
    name: "has a question that an abort does not end",
    file: "src/_health.ts",
    from: "await call.wait(answer, PATIENCE_MS)",
    to: `await Promise.race([
        answer,
        new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE_MS)),
      ])`,
  },
  {
    name: "leaves the timer of a question that was answered",
    file: "src/_call.ts",
    from: "clearTimeout(timer);",
    to: "if (ms !== 250) clearTimeout(timer);",
  },
  {
    name: "opens a model whose question was ended",
    file: "src/fallback_stream.ts",
    from: "    if (call.isDecided()) return undefined;\n    const attempt",
    to: "    const attempt",
  },
  {
    name: "opens a model beside one that was committed during its question",
    file: "src/fallback_stream.ts",
    from: "    if (call.isDecided()) return undefined;\n    const attempt",
    to: "    call.throwIfStopped();\n    const attempt",
  },
  {
    name: "keeps a probe that comes too late",
    file: "src/_health.ts",
    from: "if (call.isOver()) {",
    to: "if (false) {",
  },
  {
    name: "keeps a probe that comes after a commitment",
    file: "src/_call.ts",
    from: "return this.committed || this.#stopped !== undefined;",
    to: "return this.#stopped !== undefined;",
  },
  {
    name: "gives back what was never given",
    file: "src/_health.ts",
    from: "if ((await answer)?.admit) call.report",
    to: "await answer;\n      call.report",
  },
  {
    name: "gives a probe back whose attempt was made",
    file: "src/_health.ts",
    from: "return true;",
    to: `if (answer && "then" in answer && !admission) {
    quietly(async () => {
      if ((await answer)?.admit) call.report(name, "released");
    });
  }
  return true;`,
  },
  {
    name: "lets a late rejection of a store go unhandled",
    file: "src/_health.ts",
    from: "quietly(async () => {",
    to:
      "void (async (tell: () => Promise<void>) => await tell())(async () => {",
  },
  {
    name: "waits for a late answer when the call has ended",
    file: "src/_health.ts",
    from: "return { answer, admission };",
    to: `if (call.isOver()) await Promise.resolve(answer).catch(() => {});
  return { answer, admission };`,
  },
  {
    name: "records a skip when the call is over",
    file: "src/_health.ts",
    from: "if ((await answer)?.admit) call.report",
    to: `const late = await answer;
      if (late?.admit === false) {
        const error = new CircuitOpenError(name, late.retryAt);
        new LiveAttempt(call, model, index).end("skipped", { error });
      }
      if (late?.admit) call.report`,
  },
  {
    name: "reports no success",
    file: "src/_committed_stream.ts",
    from: `call.report(attempt.record.model, "success");`,
    to: "",
  },
  {
    name: "reports success when the stream has opened",
    edits: [
      {
        file: "src/_committed_stream.ts",
        from: `call.report(attempt.record.model, "success");`,
        to: "",
      },
      {
        file: "src/_live_attempt.ts",
        from: `this.#call.emit("open", record, record.openedAt);`,
        to: `this.#call.emit("open", record, record.openedAt);
    this.#call.report(record.model, "success");`,
      },
    ],
  },
  {
    name: "reports success when the answer is complete",
    edits: [
      {
        file: "src/_committed_stream.ts",
        from: `call.report(attempt.record.model, "success");`,
        to: "",
      },
      {
        file: "src/_committed_stream.ts",
        from: "this.#attempt.end(outcome, failure);",
        to: `this.#attempt.end(outcome, failure);
    if (outcome === "completed") this.#call.report(this.record.model, "success");`,
      },
    ],
  },
  {
    name: "reports the innermost model",
    file: "src/_committed_stream.ts",
    from: `call.report(attempt.record.model, "success");`,
    to: `call.report(attempt.inner?.model ?? attempt.record.model, "success");`,
  },
  {
    name: "reports no failure",
    file: "src/_live_attempt.ts",
    from: `this.#call.report(this.record.model, "failure", { error });`,
    to: "",
  },
  {
    name: "reports a failure without its error",
    file: "src/_live_attempt.ts",
    from: `this.#call.report(this.record.model, "failure", { error });`,
    to: `this.#call.report(this.record.model, "failure");`,
  },
  {
    name: "reports no failure that is refused",
    edits: [
      {
        file: "src/_live_attempt.ts",
        from: `this.#call.report(this.record.model, "failure", { error });`,
        to: "",
      },
      {
        file: "src/fallback_stream.ts",
        from: "if (!accepted) throw failure;",
        to: `if (!accepted) throw failure;
      call.report(model.name, "failure", { error: failure });`,
      },
    ],
  },
  {
    name: "reports a cancelled or lost attempt as a failure",
    file: "src/_live_attempt.ts",
    from: `this.#call.report(this.record.model, "released");`,
    to: `this.#call.report(this.record.model, "failure", failure);`,
  },
  {
    name: "reports a lost attempt as a failure",
    file: "src/_live_attempt.ts",
    from: `this.#call.report(this.record.model, "released");`,
    to:
      `this.#call.report(this.record.model, outcome === "lost" ? "failure" : "released");`,
  },
  {
    name: "does not release what was cancelled or lost",
    file: "src/_live_attempt.ts",
    from: `this.#call.report(this.record.model, "released");`,
    to: "",
  },
  {
    name: "releases with an error",
    file: "src/_live_attempt.ts",
    from: `this.#call.report(this.record.model, "released");`,
    to: `this.#call.report(this.record.model, "released", failure);`,
  },
  {
    name: "reports no interruption",
    file: "src/_committed_stream.ts",
    from: `this.#call.report(this.#attempt.record.model, "failure", failure);`,
    to: "",
  },
  {
    name: "releases an answer that the caller leaves",
    file: "src/_committed_stream.ts",
    from: "this.#attempt.end(outcome, failure);",
    to: `this.#attempt.end(outcome, failure);
    if (outcome === "cancelled") this.#call.report(this.record.model, "released");`,
  },
  {
    name: "reports an abort in mid-answer as a failure",
    file: "src/_committed_stream.ts",
    from: `this.#end("cancelled", failure);`,
    to: `this.#call.report(this.#attempt.record.model, "failure", failure);
    this.#end("cancelled", failure);`,
  },
  {
    name: "waits for the report of a success",
    edits: [
      {
        file: "src/_committed_stream.ts",
        from: `call.report(attempt.record.model, "success");`,
        to: "",
      },
      {
        file: "src/fallback_stream.ts",
        from: "return new CommittedStream(call, attempt, stack.move());",
        to: `const stream = new CommittedStream(call, attempt, stack.move());
  await call.chain.options.health?.report(attempt.record.model, "success");
  return stream;`,
      },
    ],
  },
  {
    name: "waits for the report of a failure",
    edits: [
      {
        file: "src/_live_attempt.ts",
        from: `this.#call.report(this.record.model, "failure", { error });`,
        to: "",
      },
      {
        file: "src/fallback_stream.ts",
        from: "const accepted = !conditions ||",
        to:
          `await call.chain.options.health?.report(model.name, "failure", failure);
      const accepted = !conditions ||`,
      },
    ],
  },
  {
    name: "lets what a report throws escape",
    file: "src/_call.ts",
    from: "quietly(() => health.report(model, outcome, ...error));",
    to: "health.report(model, outcome, ...error);",
  },
  {
    name: "lets a promise of a report go unhandled",
    file: "src/_call.ts",
    from: "quietly(() => health.report(model, outcome, ...error));",
    to: "try { health.report(model, outcome, ...error); } catch {}",
  },
  {
    name: "pays from the budget where a skipped model makes room",
    file: "src/_health.ts",
    from: "    call.throwIfStopped();\n    return false;",
    to: `    call.throwIfStopped();
    call.chain.hedge?.options.budget?.take();
    return false;`,
  },
  {
    name: "asks the store of the outer chain inside",
    edits: [
      {
        file: "src/_live_attempt.ts",
        from: "[nest]: (attempts) => this.record.nested = attempts,",
        to: `[nest]: (attempts) => this.record.nested = attempts,
      health: this.#call.chain.options.health,`,
      },
      {
        file: "src/fallback_model.ts",
        from: "openWithin(context, chain, request,",
        to:
          "openWithin(context, { ...chain, options: { ...chain.options, health: (context as any).health ?? chain.options.health } }, request,",
      },
    ],
  },
  {
    name: "takes anything for a store",
    file: "src/_chain.ts",
    from:
      `expectMethods("options.health", health, "a HealthStore", "admit", "report");`,
    to: "",
  },
  {
    name: "takes a store that hears nothing",
    file: "src/_chain.ts",
    from: `"a HealthStore", "admit", "report"`,
    to: `"a HealthStore", "admit"`,
  },
  {
    name: "names no model when time is up while a first one is asked for",
    file: "src/_call.ts",
    from: "last ?? chain.models[0]!.name",
    to: "last!",
  },
  {
    name: "misses an abort between the answer of a store and the opening",
    file: "src/fallback_stream.ts",
    from: "    if (call.isDecided()) return undefined;\n    const attempt",
    to: "    await undefined;\n    const attempt",
  },
  {
    name: "hedges although the call has ended",
    file: "src/_race.ts",
    from: "else this.#call.throwIfStopped();",
    to: "",
  },
  {
    name: "ends an answer twice where a report aborts",
    file: "src/_committed_stream.ts",
    from: `    this.#end("interrupted", failure);
    this.#call.report(this.#attempt.record.model, "failure", failure);`,
    to: `    this.#call.report(this.#attempt.record.model, "failure", failure);
    this.#end("interrupted", failure);`,
  },
];
