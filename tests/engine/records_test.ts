import { type Attempt, fallbackStream } from "@fallback/stream";
import { fakeModel, step } from "@fallback/stream/testing";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { firstAttemptsArray } from "../../src/engine/call_log.ts";
import { test } from "../_test_without_permissions.ts";

test("firstAttemptsArray() finds the array of the first event, also after copies of frozen ones (R16)", async () => {
  const arrays: (readonly Attempt[])[] = [];
  const models = ["a", "b"].map((name) =>
    fakeModel(name, [step.fail(new Error("overloaded"))])
  );
  const stream = await fallbackStream(
    [...models, fakeModel("c", ["c0"])],
    "hi",
    {
      onEvent({ type, attempts }) {
        if (type === "started") arrays.push(Object.freeze(attempts));
      },
    },
  );
  await stream.return();
  assertEquals(arrays.map(({ length }) => length), [1, 2, 3]);
  for (const attempts of arrays) {
    assertStrictEquals(firstAttemptsArray(attempts), arrays[0]);
  }
});

test("a function is named by its own name, else by its position", async () => {
  const models = {
    named: function gpt(): AsyncIterable<string> {
      throw new Error("overloaded");
    },
    nameless: (() => () => {
      throw new Error("overloaded");
    })() as () => AsyncIterable<string>,
    oddlyNamed: class {
      static readonly ["name"] = 1;
    } as unknown as () => AsyncIterable<string>,
  };
  const stream = await fallbackStream(
    [...Object.values(models), fakeModel("last", ["a0"])],
    "hi",
  );
  await stream.return();
  assertEquals(
    stream.attempts.map(({ model }) => model),
    ["gpt", "model-2", "model-3", "last"],
  );
});
