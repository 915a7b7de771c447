// The exact text of errors. Each names the argument, its value and the cure.

import {
  fallbackModel,
  fallbackStream,
  hasStatus,
  mapModel,
} from "@fallback/stream";
import { fakeModel, step } from "@fallback/stream/testing";
import { assertEquals, assertRejects } from "@std/assert";
import { test } from "../_test_without_permissions.ts";

const open = (models: unknown, options?: object) => () =>
  fallbackStream(models as never, "hi", options);
const openWith = (options: object) => open([fakeModel("a", ["a0"])], options);
const map = (model: unknown, mapping: object) => () =>
  mapModel(model as never, mapping as never);
const request = () => "hi";
const chunk = (text: string) => text;

const WRONG_ARGUMENTS: [call: () => unknown, message: string][] = [
  [open("gpt"), `'models' must be an array: current value is "gpt"`],
  [
    open([{ name: "gpt" }]),
    `'models[0]' must be a function, or have a 'name' and a 'stream' function: current value is {"name":"gpt"}`,
  ],
  [
    () => fallbackModel({} as never),
    "'models' must be an array: current value is {}",
  ],
  [
    openWith({ signal: new AbortController() }),
    "'options.signal' must be an AbortSignal, such as the 'signal' of an AbortController: current value is an AbortController",
  ],
  [
    openWith({ signal: {} }),
    "'options.signal' must be an AbortSignal: current value is {}",
  ],
  [
    openWith({ onEvent: [() => {}, 1] }),
    "'options.onEvent' must be a function, or a list of functions: current value is 1",
  ],
  [
    openWith({ fallbackOn: "busy" }),
    `'options.fallbackOn' must be an error class or a predicate, or a list of them: current value is "busy"`,
  ],
  [
    openWith({ fallbackOn: 429 }),
    "'options.fallbackOn' must be an error class or a predicate, such as hasStatus(429): current value is 429",
  ],
  [
    openWith({ timeouts: { idleMs: "5s" } }),
    `'options.timeouts.idleMs' must be a number from 0 to 2147483647, or a function: current value is "5s"`,
  ],
  [
    openWith({ timeouts: { openMs: "5s" } }),
    `'options.timeouts.openMs' must be a number from 0 to 2147483647: current value is "5s"`,
  ],
  [
    openWith({ isContent: Promise.resolve() }),
    "'options.isContent' must be a function: current value is a Promise (await it first)",
  ],
  [
    openWith({ health: {} }),
    "'options.health' must be a HealthStore: current value is {}",
  ],
  [
    openWith({ hedge: { afterMs: 1, budget: {} } }),
    "'options.hedge.budget' must be a HedgeBudget: current value is {}",
  ],
  [
    openWith({ isContent: true }),
    "'options.isContent' must be a function: current value is true",
  ],
  [
    openWith({ isFinal: true }),
    "'options.isFinal' must be a function: current value is true",
  ],
  [
    map(fakeModel("a", ["a0"]), { request }),
    "'mapping.chunk' must be a function: current value is undefined",
  ],
  [
    map({ name: "gpt" }, { request, chunk }),
    `'model' must be a function, or have a 'name' and a 'stream' function: current value is {"name":"gpt"}`,
  ],
  [
    () => hasStatus(600),
    `'codes' must be statuses from 100 to 599, "4xx" or "5xx": current value is 600`,
  ],
];

for (const [call, message] of WRONG_ARGUMENTS) {
  test(`A wrong argument is refused with the message: ${message}`, async () => {
    const { message: actual } = await assertRejects(
      async () => await call(),
      Error,
    );
    assertEquals(actual, message);
  });
}

test("A failed attempt's error says what stream() or next() has returned", async () => {
  const wrongResult = () => ({
    [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(1) }),
  });
  const { message } = await assertRejects(
    open([() => ({}), wrongResult]),
    AggregateError,
  );
  assertEquals(message.split("\n").slice(1), [
    'model-1: Model "model-1" must return an async iterable or a ReadableStream from stream(): it returned {}',
    "wrongResult: next() of the stream must return an object: it returned 1",
  ]);
});

test("A condition that throws ends the call with an error that names the option and the model", async () => {
  const condition = () => {
    throw new Error("no condition");
  };
  for (
    const [options, name] of [
      [{ fallbackOn: condition }, "options.fallbackOn"],
      [{ retry: { isRetriable: condition } }, "options.retry.isRetriable"],
    ] as const
  ) {
    const models = [fakeModel("gpt", [step.fail(new Error("overloaded"))])];
    const { message } = await assertRejects(
      () => fallbackStream(models, "hi", options),
      SuppressedError,
    );
    assertEquals(
      message,
      `'${name}' threw while handling a failure of "gpt"`,
    );
  }
});

test("A retry option's default gives way where the other one is below or above it", async () => {
  for (const retry of [{ maxDelayMs: 100 }, { minDelayMs: 20_000 }]) {
    await using _stream = await fallbackStream(
      [fakeModel("a", ["a0"])],
      "hi",
      { retry },
    );
  }
});
