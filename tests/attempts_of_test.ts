import { attemptsOf, fallbackModel, fallbackStream } from "@fallback/stream";
import { continueStream } from "@fallback/stream/continue";
import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { test } from "./_test_without_permissions.ts";

const outcomes = (error: unknown) =>
  attemptsOf(error).map(({ model, outcome }) => `${model} ${outcome}`);

test("attemptsOf() returns the attempts of the latest call that threw an object (R6)", () =>
  virtualTime(async () => {
    const failure = new TypeError("bad key");
    const models = [
      fakeModel("a", [step.fail(new Error("overloaded"))]),
      fakeModel("b", [step.fail(failure)]),
    ];
    const all = await assertRejects(() => fallbackStream(models, "hi"));
    assertEquals(outcomes(all), ["a failed", "b failed"]);
    const fallbackOn = (error: unknown) => error !== failure;
    await assertRejects(() => fallbackStream(models, "hi", { fallbackOn }));
    assertEquals(outcomes(failure), ["a failed", "b failed"]);

    const interrupted = await fallbackStream(
      [fakeModel("c", ["c0", step.fail(failure)])],
      "hi",
    );
    await assertRejects(() => Array.fromAsync(interrupted));
    assertEquals(outcomes(failure), ["c interrupted"], "the latest call");

    const reason = new Error("stop");
    const signal = AbortSignal.abort(reason);
    await assertRejects(() => fallbackStream(models, "hi", { signal }));
    assertEquals(outcomes(reason), []);
    assertStrictEquals(attemptsOf(reason), attemptsOf(reason));
  }));

test("attemptsOf() looks into a SuppressedError (R6)", async () => {
  const wrong = new Error("wrong");
  const model = fakeModel("a", ["a0", step.hang()], {
    stackScript: [step.fail(wrong)],
  });
  const error = await assertRejects(async () => {
    await using stream = await fallbackStream([model], "hi");
    for await (const _ of stream) {
      await stream.return().catch(() => {});
      throw new SuppressedError(new Error("mine"), wrong);
    }
  });
  assertEquals(outcomes(error), ["a cancelled"]);
  const condition = () => {
    throw new Error("condition");
  };
  const both = await assertRejects(() =>
    fallbackStream([fakeModel("b", [step.fail(1)])], "hi", {
      fallbackOn: condition,
    })
  );
  assertEquals(outcomes(both), ["b failed"]);
});

test("attemptsOf() returns the outer attempts of nested chains (R6)", async () => {
  const failure = new Error("bad request");
  const inner = fallbackModel([fakeModel("a", [step.fail(failure)])], {
    fallbackOn: () => false,
  });
  await assertRejects(() =>
    fallbackStream([inner], "hi", { fallbackOn: () => false })
  );
  assertEquals(outcomes(failure), ["fallback:a failed"]);
  assertEquals(
    attemptsOf(failure)[0]?.nested?.map(({ model }) => model),
    ["a"],
  );
});

test("attemptsOf() returns an empty array for primitives and other errors (R6)", () => {
  const others = [
    new Error("stranger"),
    new SuppressedError(1, new Error("stranger")),
    "text",
    42,
    null,
    undefined,
    Symbol("s"),
  ];
  for (const other of others) assertEquals(attemptsOf(other), []);
});

Deno.test({
  name:
    "attemptsOf() returns the attempts of a continued answer whose close threw (R6)",
  permissions: "none",
  fn: async () => {
    const broken = new Error("cannot close");
    const models = [
      fakeModel("a", ["a0", step.fail(new Error("interrupted"))]),
      fakeModel("b", ["b0", step.hang()], { closeScript: [step.fail(broken)] }),
    ];
    const stream = await continueStream(models, "hi", { resume: () => "more" });
    await stream.next();
    await stream.next();
    await assertRejects(() => stream.return(), Error, "cannot close");
    assertEquals(outcomes(broken), ["a interrupted", "b cancelled"]);
  },
});

test("attemptsOf() prefers the later error of a SuppressedError (R6)", async () => {
  const failure = await assertRejects(() =>
    fallbackStream([fakeModel("a", [step.fail(new Error("down"))])], "hi")
  );
  const error = new SuppressedError(failure, new Error("a stranger"));
  assertEquals(outcomes(error), ["a failed"]);
});

const { proxy: unreadable, revoke } = Proxy.revocable({}, {});
revoke();
const circular = new SuppressedError(1, 2, "circular");
circular.error = circular;
circular.suppressed = circular;
let nested: Error = circular;
for (let depth = 0; depth < 100_000; depth++) {
  nested = new SuppressedError(nested, new Error("earlier"), "nested");
}

for (const [name, error] of Object.entries({ unreadable, circular, nested })) {
  test(`attemptsOf() returns no attempts for an error that is ${name}`, () => {
    assertEquals(attemptsOf(error), []);
  });
}
