// Random scenarios in which user code interferes: at some call of some callback
// it aborts the call, closes or pulls the stream, or throws. The exact result is
// not computed; invariants are checked.

import type {
  Attempt,
  FallbackEvent,
  FallbackListener,
  FallbackOptions,
  HealthStore,
  Model,
} from "@fallback/stream";
import type { Journal } from "@fallback/stream/testing";
import fc from "fast-check";
import type { Subject } from "../contract/contract.ts";
import { runScenario } from "./_run_scenario.ts";
import type { Scenario } from "./_scenario.ts";
import { scenarios } from "./_arbitraries.ts";

/** What user code does at its `nth` call. */
export interface Interference {
  nth: number;
  does: "abort" | "return" | "next" | "throw" | "abort and throw";
}

type Options = FallbackOptions<unknown, string>;
type Stream = Awaited<ReturnType<Subject["fallbackStream"]>>;

const interferences: fc.Arbitrary<Interference> = fc.record({
  nth: fc.integer({ min: 1, max: 40 }),
  does: fc.constantFrom("abort", "return", "next", "throw", "abort and throw"),
});

/** Observes one run and interferes in it. */
class Observer {
  readonly problems: string[] = [];
  readonly #interference: Interference;
  readonly #controller = new AbortController();
  /** The events of each attempt, in order. */
  readonly #events = new Map<Attempt, string[]>();
  #calls = 0;
  #isAborted = false;
  #stream: Stream | undefined;

  constructor(interference: Interference) {
    this.#interference = interference;
  }

  /** Records a callback. Reports a forbidden one after an abort. */
  #enter(name: string, isForbiddenAfterAbort: boolean): void {
    if (isForbiddenAfterAbort && this.#isAborted) {
      this.problems.push(`${name} was called after an abort`);
    }
    if (++this.#calls !== this.#interference.nth) return;
    const { does } = this.#interference;
    if (does.startsWith("abort")) {
      this.#isAborted = true;
      this.#controller.abort(new Error("interference"));
    }
    if (does === "return") this.#stream?.return().catch(() => {});
    if (does === "next") this.#stream?.next().catch(() => {});
    if (does.endsWith("throw")) throw new Error("thrown by interference");
  }

  #wrap<Args extends unknown[], Result>(
    name: string,
    callback: (...args: Args) => Result,
  ): (...args: Args) => Result {
    return (...args) => {
      this.#enter(name, true);
      return callback(...args);
    };
  }

  readonly #onEvent = (event: FallbackEvent): void => {
    const { type, attempt } = event;
    if (attempt && type !== "retrying" && type !== "hedging") {
      const events = this.#events.get(attempt) ?? [];
      events.push(type);
      this.#events.set(attempt, events);
    }
    this.#enter(`onEvent ${type}`, false);
  };

  /** The options with every callback wrapped. */
  options<Given extends Options>(given: Given): Given {
    const { isContent, isFinal, fallbackOn, onEvent, health, hedge } = given;
    const own = onEvent as FallbackListener | undefined;
    return {
      ...given,
      onEvent: own ? [own, this.#onEvent] : this.#onEvent,
      isContent: isContent && this.#wrap("isContent", isContent),
      isFinal: isFinal && this.#wrap("isFinal", isFinal),
      fallbackOn: this.#wrap(
        "fallbackOn",
        fallbackOn as () => boolean ?? (() => true),
      ),
      hedge: hedge && {
        ...hedge,
        budget: {
          earn: () => hedge.budget?.earn(),
          take: this.#wrap("take", () => hedge.budget?.take() ?? true),
        },
      },
      health: health && this.#store(health),
    };
  }

  #store(health: HealthStore): HealthStore {
    return {
      admit: this.#wrap("admit", (model) => health.admit(model)),
      report: (...report) => {
        this.#enter("report", false);
        return health.report(...report);
      },
    };
  }

  model<M extends Model<unknown, string>>(model: M): M {
    return {
      ...model,
      stream: this.#wrap("stream", model.stream.bind(model)),
      usage: this.#wrap("usage", () => ({ inputTokens: 1 })),
    };
  }

  /** The options of the outermost call. */
  outer<Given extends Options>(given: Given): Given {
    const signals = [this.#controller.signal];
    if (given.signal) signals.push(given.signal);
    // Without a timeout, a call with a silent model would hang, correctly.
    const { totalMs = 20_000 } = given.timeouts ?? {};
    const timeouts = { ...given.timeouts, totalMs, closeMs: 100_000 };
    return {
      ...this.options(given),
      timeouts,
      signal: AbortSignal.any(signals),
    };
  }

  /** After a call or a stream has ended, everything must be closed. */
  async watch(opening: Promise<Stream>): Promise<Stream> {
    try {
      this.#stream = await opening;
    } catch (error) {
      this.#checkClosed("the call was rejected");
      throw error;
    }
    const stream = this.#stream;
    const { next } = stream;
    stream.next = async () => {
      try {
        const result = await next.call(stream);
        if (result.done) this.#checkClosed("next() returned done");
        return result;
      } catch (error) {
        this.#checkClosed("next() was rejected");
        throw error;
      }
    };
    return stream;
  }

  #checkClosed(when: string): void {
    for (const [{ model }, events] of this.#events) {
      const [first, last] = [events[0], events.at(-1)];
      if (first !== "skipped" && last !== "closed") {
        this.problems.push(`${when} while ${model} was not closed: ${events}`);
      }
    }
  }

  /** Checks the events of all attempts after the run. */
  checkEvents(): void {
    const grammar =
      /^(skipped|started( opened)?( committed)? (failed|lost|cancelled|interrupted|completed) closed)$/;
    for (const [{ model }, events] of this.#events) {
      if (!grammar.test(events.join(" "))) {
        this.problems.push(`the events of ${model}: ${events}`);
      }
    }
  }

  /** Chunks come from one model, or with continuation from one model after another. */
  checkChunks(caller: readonly string[]): void {
    const models = caller.map((line) => /^\d+ (m\d+) \w+ \d+$/.exec(line)?.[1])
      .filter((model) => model !== undefined);
    const runs = models.filter((model, i) => model !== models[i - 1]);
    if (new Set(runs).size !== runs.length) {
      this.problems.push(`mixed answers: ${models}`);
    }
  }
}

/** A subject whose calls are observed. */
function observed(subject: Subject, observer: Observer): Subject {
  const wrap = (models: readonly unknown[]) =>
    models.map((model) => observer.model(model as Model<unknown, string>));
  return {
    fallbackStream:
      ((models: readonly unknown[], request, options) =>
        observer.watch(
          subject.fallbackStream(
            wrap(models),
            request,
            observer.outer(options as Options) as never,
          ) as Promise<never>,
        )) as Subject["fallbackStream"],
    fallbackModel: ((
      models: readonly Model<unknown, string>[],
      options: Options = {},
    ) => {
      // An outer chain waits longer than an inner one, so it abandons nothing.
      const depth = Math.max(
        ...models.map(({ name }) => name.split(":").length),
      );
      const timeouts = depth > 1
        ? { ...options.timeouts, closeMs: 1000 * 4 ** depth }
        : options.timeouts;
      return subject.fallbackModel(
        wrap(models) as never,
        observer.options({ ...options, timeouts }) as never,
      );
    }) as Subject["fallbackModel"],
    continueStream:
      ((models: readonly unknown[], request, options) =>
        observer.watch(
          subject.continueStream!(
            wrap(models) as never,
            request,
            observer.outer(options as Options) as never,
          ) as Promise<never>,
        )) as NonNullable<Subject["continueStream"]>,
  };
}

/** Returns what is wrong in a scenario with interference, if anything. */
export async function reentrantViolation(
  subject: Subject,
  scenario: Scenario,
  interference: Interference,
): Promise<string | undefined> {
  const observer = new Observer(interference);
  let journal: Journal | undefined;
  try {
    const run = await runScenario(observed(subject, observer), scenario);
    journal = run.journal;
    observer.checkEvents();
    observer.checkChunks(run.result.caller);
    journal.assertClean();
  } catch (error) {
    observer.problems.push(error instanceof Error ? error.message : `${error}`);
  }
  if (observer.problems.length === 0) return undefined;
  return [...observer.problems, "", `${journal}`].join("\n");
}

/** Looks for a scenario with interference that breaks an invariant. */
export async function findReentrantViolation(
  subject: Subject,
  { runs, seed }: { runs: number; seed: number },
): Promise<string | undefined> {
  const property = fc.asyncProperty(
    scenarios,
    interferences,
    async (scenario, interference) => {
      const wrong = await reentrantViolation(subject, scenario, interference);
      if (wrong !== undefined) throw new Error(wrong);
    },
  );
  const result = await fc.check(property, { numRuns: runs, seed });
  if (!result.failed) return undefined;
  const { errorInstance, counterexample } = result;
  return [
    `Seed ${seed}, after ${result.numRuns} scenarios:`,
    JSON.stringify(counterexample),
    errorInstance instanceof Error ? errorInstance.message : `${errorInstance}`,
  ].join("\n");
}
