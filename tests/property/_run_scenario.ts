// Runs a scenario with fakes in virtual time and records what happened, in the
// format of the reference.

import type { Subject } from "../contract/contract.ts";
import type {
  Attempt,
  FallbackOptions,
  HealthStore,
  Model,
} from "@fallback/stream";
import {
  createJournal,
  fakeModel,
  type Journal,
  type Step as FakeStep,
  step,
  virtualTime,
} from "@fallback/stream/testing";
import {
  type AdmissionSpec,
  type ChainSpec,
  type CloseStep,
  type ExpectedRecord,
  isChain,
  isOdd,
  type Leave,
  type ModelSpec,
  type ResumeSpec,
  RETRY_AT,
  type Scenario,
  type ScenarioResult,
  type Step,
} from "./_scenario.ts";

type Options = FallbackOptions<unknown, string>;

/** Long enough for all background work to finish. */
const AFTERWARDS_MS = 1_000_000;

/** Errors by name: the same name is the same object. */
class Errors {
  readonly #byName = new Map<string, unknown>([["undefined", undefined]]);

  get(name: string): unknown {
    if (!this.#byName.has(name)) {
      const error = name === "AbortError"
        ? new DOMException("scripted", "AbortError")
        : new Error(name);
      this.#byName.set(name, error);
    }
    return this.#byName.get(name);
  }
}

/** An error in the format of the reference. */
function describe(error: unknown): string {
  if (error instanceof SuppressedError) {
    return `both(${describe(error.error)},${describe(error.suppressed)})`;
  }
  if (error instanceof AggregateError) {
    return `all[${error.errors.map(describe).join()}]`;
  }
  const { name, message, model, phase, ms } = Object(error);
  switch (name) {
    case "ModelTimeoutError":
      return `${model} timeout ${phase} ${ms}`;
    case "EmptyStreamError":
      return `empty ${model}`;
    case "TruncatedStreamError":
      return `truncated ${model}`;
    case "CircuitOpenError":
      return `circuit ${model} ${Object(error).retryAt}`;
    case "AbortError":
      // An abort reason of the library, not the error of a script.
      return message === "scripted" ? name : "closed";
  }
  return message ?? String(error);
}

/** The close errors in a `SuppressedError`, first to last. */
function flatten(error: unknown): string[] {
  return error instanceof SuppressedError
    ? [...flatten(error.suppressed), ...flatten(error.error)]
    : [describe(error)];
}

function toExpectedRecord(record: Attempt): ExpectedRecord {
  const { model, outcome, chunks, nested } = record;
  const { startedAt, openedAt, firstContentAt, endedAt } = record;
  return {
    model,
    outcome,
    chunks,
    times: [startedAt, openedAt, firstContentAt, endedAt],
    ...("error" in record && { error: describe(record.error) }),
    closeErrors: "closeError" in record ? flatten(record.closeError) : [],
    ...(nested && { nested: nested.map(toExpectedRecord) }),
  };
}

/** Times in the journal are relative to `start`. */
function fakeLogs(journal: Journal, start: number): string[][] {
  return journal.calls.map(({ call }) =>
    journal.entries.filter((entry) => entry.call === call)
      .flatMap(({ at: since, type, value, model }) => {
        const at = start + since;
        if (type === "call") return `${at} call ${model}`;
        if (type === "open") return `${at} open`;
        if (type === "abort") return `${at} abort ${describe(value)}`;
        return type.startsWith("close") ? `${at} ${type} ${value}` : [];
      })
  );
}

/**
 * Runs a scenario.
 *
 * @returns What happened, and the journal.
 */
export async function runScenario(
  { fallbackStream, fallbackModel, continueStream }: Subject,
  { chain, actions, abortAt, resume }: Scenario,
): Promise<{ result: ScenarioResult; journal: Journal }> {
  const journal = createJournal();
  const errors = new Errors();
  const caller: string[] = [];
  const health: string[] = [];
  /** When the first fake was called. */
  let start: number | undefined;
  const log = (line: string) => caller.push(`${Date.now()} ${line}`);

  const stepOf = (spec: CloseStep | Step, name: string, place: number) => {
    switch (spec.do) {
      case "wait":
        return step.wait(spec.ms);
      case "fail":
        return step.fail(errors.get(spec.error));
      case "hang":
        return step.hang();
      case "open":
        return step.open();
      case "end":
        return step.end();
      case "chunk":
        return `${name} ${spec.kind} ${place}`;
    }
  };
  const closeSteps = (steps: CloseStep[] | undefined) =>
    steps?.map((spec) => stepOf(spec, "", 0) as FakeStep);
  const modelOf = (spec: ModelSpec): Model<unknown, string> => {
    if (isChain(spec)) {
      const models = spec.models.map(modelOf);
      return fallbackModel(models, optionsOf(spec, models));
    }
    const { name, kind, ignoresAbort } = spec;
    const scripts = spec.scripts.map((script) =>
      script.map((step, place) => stepOf(step, name, place))
    );
    const fake = fakeModel<string>(name, { scripts }, {
      journal,
      kind,
      ignoresAbort,
      closeScript: closeSteps(spec.closeScript),
      disposeScript: closeSteps(spec.disposeScript),
      stackScript: closeSteps(spec.stackScript),
    });
    const stream: typeof fake.stream = (request, context) => {
      start ??= Date.now();
      return fake.stream(request, context);
    };
    return { name, stream };
  };
  const predicate =
    (bad: string, name: string, decide: (kind: string) => boolean) =>
    (chunk: string) => {
      const kind = chunk.split(" ")[1]!;
      if (kind === bad) throw errors.get(name);
      return decide(kind);
    };
  const storeOf = (
    { models: specs }: ChainSpec,
    models: Model<unknown, string>[],
  ): HealthStore => {
    const left = new Map(
      models.map(({ name }, i) => [name, [...specs[i]!.admissions ?? []]]),
    );
    const note = (line: string) => health.push(`${Date.now()} ${line}`);
    return {
      admit(model) {
        note(`${model} admit`);
        const { gives, slowMs, retryInMs }: AdmissionSpec =
          left.get(model)!.shift() ?? { gives: "yes" };
        const retryAt = retryInMs === undefined
          ? RETRY_AT
          : Date.now() + retryInMs;
        const decide = () => {
          if (gives === "an error") throw errors.get("store");
          return gives === "yes"
            ? { admit: true } as const
            : { admit: false, retryAt } as const;
        };
        if (gives === "no answer") return new Promise(() => {});
        return slowMs === undefined ? decide() : sleep(slowMs).then(decide);
      },
      report(...[model, outcome, ...error]) {
        note([model, outcome, ...error.map(describe)].join(" "));
        throw errors.get("store");
      },
    };
  };
  const optionsOf = (
    chain: ChainSpec,
    models: Model<unknown, string>[],
  ): Options => {
    const spec = chain.options;
    const { openMs, firstContentMs, idleMs, totalMs, closeMs, fallbackOn } =
      spec;
    const { retry, hedge } = spec;
    let taken = 0;
    return {
      timeouts: { openMs, firstContentMs, idleMs, totalMs, closeMs },
      allowEmpty: spec.allowEmpty,
      ...(spec.health && { health: storeOf(chain, models) }),
      ...(retry && { retry: { ...retry, jitter: 0 } }),
      ...(hedge && {
        hedge: {
          afterMs: hedge.afterMs,
          maxInFlight: hedge.maxInFlight,
          ...(hedge.tokens !== undefined && {
            budget: {
              earn: () => {},
              take: () => taken++ < hedge.tokens!,
            },
          }),
        },
      }),
      ...(spec.isContent && {
        isContent: predicate("odd", "isContent", (kind) => kind !== "meta"),
      }),
      ...(spec.isFinal && {
        isFinal: predicate("bad", "isFinal", (kind) => kind === "stop"),
      }),
      ...(fallbackOn && {
        fallbackOn: (error: unknown) => {
          const decide = () => {
            const accepted = !isOdd(describe(error));
            if (accepted || fallbackOn.refuse === "odd") return accepted;
            throw errors.get("condition");
          };
          const { slowMs } = fallbackOn;
          return slowMs === undefined ? decide() : sleep(slowMs).then(decide);
        },
      }),
    };
  };

  let records: readonly Attempt[] = [];
  await virtualTime(async () => {
    const controller = new AbortController();
    if (abortAt !== undefined) {
      sleep(abortAt).then(() => controller.abort(errors.get("abort")));
    }
    const models = chain.models.map(modelOf);
    const options = {
      ...optionsOf(chain, models),
      signal: journal.watch(controller.signal),
      onEvent: ({ attempts }: { attempts: readonly Attempt[] }) => {
        records = attempts;
      },
    };
    try {
      await act(
        resume
          ? await continueStream!(models, "hi", {
            ...options,
            resume: resumeOf(resume),
          })
          : await fallbackStream(models, "hi", options),
      );
    } catch (error) {
      log(`refused: ${describe(error)}`);
    }
    await sleep(AFTERWARDS_MS);
  });

  function resumeOf({ gives, slowMs }: ResumeSpec) {
    return async () => {
      if (slowMs !== undefined) await sleep(slowMs);
      if (gives === "an error") throw errors.get("resume");
      return gives === "nothing" ? undefined : "go on";
    };
  }

  async function act(
    stream: Awaited<ReturnType<typeof fallbackStream<unknown, string>>>,
  ): Promise<void> {
    log("opened");
    const pull = async (): Promise<boolean> => {
      try {
        const { done, value } = await stream.next();
        log(done ? "done" : value!);
        return !done;
      } catch (error) {
        log(`error: ${describe(error)}`);
        return false;
      }
    };
    const leave = async (way: Leave): Promise<void> => {
      try {
        if (way === "return") await stream.return();
        if (way === "dispose") await stream[Symbol.asyncDispose]();
        if (way === "throw") await stream.throw(errors.get("mine"));
        log(`${way}: `);
      } catch (error) {
        log(`${way}: ${flatten(error).join()}`);
      }
    };
    for (const action of [...actions, { do: "dispose" } as const]) {
      switch (action.do) {
        case "wait":
          await sleep(action.ms);
          break;
        case "pull":
          await Promise.all(Array.from({ length: action.count }, pull));
          break;
        case "drain":
          while (await pull());
          break;
        case "pull, then": {
          const pulled = pull();
          await sleep(action.ms);
          await leave(action.then);
          await pulled;
          break;
        }
        default:
          await leave(action.do);
      }
    }
  }

  const result = {
    caller,
    records: records.map(toExpectedRecord),
    fakes: fakeLogs(journal, start ?? 0),
    health,
  };
  return { result, journal };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
