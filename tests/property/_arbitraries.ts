// Random scenarios: all combinations of steps, kinds of sources, options and
// actions of the caller.

import fc from "fast-check";
import {
  type Action,
  type AdmissionSpec,
  type ChainSpec,
  type CloseStep,
  type FakeSpec,
  isChain,
  type ModelSpec,
  type OptionsSpec,
  type Scenario,
  type Step,
} from "./_scenario.ts";

const ms = fc.integer({ min: 1, max: 400 });
/** Absent in `of - 1` of `of` cases. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>, of: number) =>
  fc.oneof(
    { weight: of - 1, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary },
  );

const error = fc.constantFrom(
  ..."e0 e1 e2 e3 AbortError undefined".split(" "),
);
const pause: fc.Arbitrary<CloseStep> = fc.record({
  do: fc.constant("wait"),
  ms,
});
const failure: fc.Arbitrary<CloseStep> = fc.record({
  do: fc.constant("fail"),
  error,
});
const hanging: fc.Arbitrary<CloseStep> = fc.constant({ do: "hang" });

const closeSteps: fc.Arbitrary<CloseStep[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: pause },
    { weight: 2, arbitrary: failure },
    { weight: 1, arbitrary: hanging },
  ),
  { maxLength: 2 },
);

const chunk: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("chunk"),
  kind: fc.constantFrom(
    ...([
      "meta",
      "meta",
      "text",
      "text",
      "text",
      "stop",
      "odd",
      "bad",
    ] as const),
  ),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: chunk },
  { weight: 5, arbitrary: pause },
  { weight: 2, arbitrary: failure },
  { weight: 1, arbitrary: hanging },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Step>({ do: "open" }, { do: "end" }),
  },
);

const admissions: fc.Arbitrary<AdmissionSpec[] | undefined> = seldom(
  fc.array(
    fc.record({
      gives: fc.constantFrom(
        ...(["yes", "no", "no", "no", "an error", "no answer"] as const),
      ),
      slowMs: seldom(ms, 2),
      retryInMs: seldom(ms, 2),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  2,
);

const fake: fc.Arbitrary<FakeSpec> = fc.record({
  name: fc.constant(""),
  scripts: fc.array(fc.array(step, { maxLength: 7 }), {
    minLength: 1,
    maxLength: 2,
  }),
  kind: fc.constantFrom("generator", "iterable", "readable"),
  ignoresAbort: fc.boolean(),
  closeScript: seldom(closeSteps, 3),
  disposeScript: seldom(closeSteps, 4),
  stackScript: seldom(closeSteps, 4),
  admissions,
});

const options: fc.Arbitrary<OptionsSpec> = fc.record({
  isContent: fc.boolean(),
  isFinal: fc.boolean(),
  allowEmpty: fc.boolean(),
  openMs: seldom(ms, 4),
  firstContentMs: seldom(ms, 3),
  idleMs: seldom(ms, 3),
  totalMs: seldom(fc.integer({ min: 1, max: 1500 }), 4),
  closeMs: fc.oneof(ms, fc.constant(1000)),
  fallbackOn: seldom(
    fc.record({
      refuse: fc.constantFrom("odd", "odd by throwing"),
      slowMs: seldom(ms, 2),
    }),
    3,
  ),
  retry: seldom(
    fc.record({
      maxAttempts: fc.integer({ min: 1, max: 3 }),
      minDelayMs: ms,
      maxDelayMs: ms.map((ms) => ms + 400),
    }),
    3,
  ),
  hedge: seldom(
    fc.record({
      afterMs: ms,
      maxInFlight: fc.integer({ min: 1, max: 3 }),
      tokens: seldom(fc.nat(2), 3),
    }),
    3,
  ),
  health: seldom(fc.constant(true), 3),
});

const { chain } = fc.letrec<{ chain: ChainSpec; model: ModelSpec }>((tie) => ({
  chain: fc.record({
    models: fc.array(tie("model"), { minLength: 1, maxLength: 3 }),
    options,
    admissions,
  }),
  model: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    { weight: 5, arbitrary: fake },
    { weight: 1, arbitrary: tie("chain") },
  ),
}));

const leave = fc.constantFrom("return", "throw", "dispose");
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("pull"),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait"), ms }) },
  { weight: 2, arbitrary: fc.constant<Action>({ do: "drain" }) },
  { weight: 1, arbitrary: leave.map((way): Action => ({ do: way })) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("pull, then"),
      ms,
      then: leave,
    }),
  },
) as fc.Arbitrary<Action>;

/** Gives every fake a unique name, so that their chunks differ. */
function name(spec: ChainSpec, names: Iterator<string>): ChainSpec {
  const models = spec.models.map((model) =>
    isChain(model)
      ? name(model, names)
      : { ...model, name: names.next().value! }
  );
  return { ...spec, models };
}

function* letters(): Generator<string> {
  for (let i = 0;; i++) yield `m${i}`;
}

/** Generates scenarios. */
export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  chain: chain.map((chain) => name(chain, letters())),
  actions: fc.array(action, { maxLength: 6 }),
  abortAt: seldom(fc.integer({ min: 1, max: 1500 }), 3),
  resume: seldom(
    fc.record({
      gives: fc.constantFrom(
        ...(["a request", "a request", "nothing", "an error"] as const),
      ),
      slowMs: seldom(ms, 2),
    }),
    3,
  ),
});
