// What hedging, retries, health and continuing do, step by step, as journals.

import { fallbackStream, formatAttempts, hedgeBudget } from "@fallback/stream";
import { continueStream } from "@fallback/stream/continue";
import {
  createJournal,
  fakeModel,
  type Script,
  step,
  virtualTime,
} from "@fallback/stream/testing";
import { assertSnapshot } from "@std/testing/snapshot";

const overloaded = new Error("overloaded");
const busy = Object.assign(new Error("busy"), {
  status: 429,
  retryAfterMs: 2500,
});
const emptyBudget = () => {
  const budget = hedgeBudget({ ratio: 0, burst: 1 });
  budget.take();
  return budget;
};
const hedge = { afterMs: 200 };

type Models = ReturnType<typeof fakeModel<string>>[];

const cases: {
  name: string;
  scripts: Script<string>[][];
  open(models: Models): ReturnType<typeof fallbackStream<unknown, string>>;
}[] = [
  {
    name: "fallbackStream() delivers the second model when it wins a hedge",
    scripts: [[[step.wait(1000), "a0"]], [[step.wait(50), "b0", "b1"]]],
    open: (models) => fallbackStream(models, "hi", { hedge }),
  },
  {
    name:
      "fallbackStream() closes the second model when the first wins a hedge",
    scripts: [[[step.wait(300), "a0", "a1"]], [["meta", step.hang()]]],
    open: (models) =>
      fallbackStream(models, "hi", {
        hedge,
        isContent: (chunk) => chunk !== "meta",
      }),
  },
  {
    name: "fallbackStream() throws when both models of a hedge fail",
    scripts: [[[step.wait(400), step.fail(overloaded)]], [[
      step.wait(50),
      step.fail(busy),
    ]]],
    open: (models) => fallbackStream(models, "hi", { hedge }),
  },
  {
    name: "fallbackStream() opens no hedge when the budget is empty",
    scripts: [[[step.wait(400), "a0"]], [["b0"]]],
    open: (models) =>
      fallbackStream(models, "hi", {
        hedge: { ...hedge, budget: emptyBudget() },
      }),
  },
  {
    name:
      "fallbackStream() waits for the retryAfterMs of an error before a retry",
    scripts: [[[step.wait(10), step.fail(busy)], ["a0"]]],
    open: (models) => fallbackStream(models, "hi", { retry: {} }),
  },
  {
    name: "fallbackStream() skips a model whose circuit is open",
    scripts: [[["a0"]], [[step.wait(50), "b0", "b1"]]],
    open: (models) =>
      fallbackStream(models, "hi", {
        health: {
          admit: (model) =>
            model === "a" ? { admit: false, retryAt: 30_000 } : { admit: true },
          report: () => {},
        },
      }),
  },
  {
    name: "fallbackStream() tries all models when every circuit is open",
    scripts: [[[step.wait(10), step.fail(overloaded)]], [[
      step.wait(50),
      "b0",
    ]]],
    open: (models) =>
      fallbackStream(models, "hi", {
        health: {
          admit: () => ({ admit: false, retryAt: 30_000 }),
          report: () => {},
        },
      }),
  },
  {
    name: "continueStream() continues an answer over three models",
    scripts: [
      [["Once ", step.fail(overloaded)]],
      [["upon ", step.fail(busy)]],
      [[
        "a time",
      ]],
    ],
    open: (models) =>
      continueStream(models, "hi", { resume: ({ chunks }) => chunks.join("") }),
  },
];

for (const { name, scripts, open } of cases) {
  Deno.test(name, async (test) => {
    const journal = createJournal();
    const models = scripts.map((scripts, i) =>
      fakeModel<string>("abc"[i]!, { scripts }, { journal })
    );
    const end = await virtualTime(async () => {
      try {
        await using stream = await open(models);
        const chunks = await Array.fromAsync(stream);
        return `${formatAttempts(stream.attempts)}\n${chunks.join(" ")}`;
      } catch (error) {
        return `${error}`;
      }
    });
    journal.assertClean();
    await assertSnapshot(test, `${journal}\n\n${end}`);
  });
}
