// What a stream keeps while it is open: nothing of what is over.

import { type FallbackOptions, fallbackStream } from "@fallback/stream";
import { fakeModel, step } from "@fallback/stream/testing";
import { assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { collectGarbage } from "../_heap_used.ts";
import { test } from "../_test_without_permissions.ts";

/** Whether something is collected while the stream of a call is open. */
async function isCollected(
  call: (watch: <T extends object>(value: T) => T) => Promise<AsyncDisposable>,
): Promise<boolean> {
  let watched: WeakRef<object> | undefined;
  await using _stream = await call((value) => {
    watched = new WeakRef(value);
    return value;
  });
  await setImmediate();
  collectGarbage();
  return watched!.deref() === undefined;
}

const answers = () => fakeModel("b", ["b0", step.hang()]);

test("fallbackStream() keeps no stream of an attempt that has failed (R10)", async () => {
  const collected = await isCollected((watch) => {
    // Not an Error: until its stack is read, V8 keeps what was called.
    const fails = () =>
      watch({
        [Symbol.asyncIterator]: () => ({
          next: (): Promise<IteratorResult<string>> =>
            Promise.reject("overloaded"),
        }),
      });
    return fallbackStream([fails, answers()], "hi");
  });
  assertEquals(collected, true);
});

test("fallbackStream() keeps no answer that it has waited for", async () => {
  const collected = await isCollected((watch) => {
    const options: FallbackOptions<unknown, string> = {
      fallbackOn: () => Promise.resolve(watch({}) as unknown as boolean),
    };
    const fails = fakeModel("a", [step.fail(new Error("overloaded"))]);
    return fallbackStream([fails, answers()], "hi", options);
  });
  assertEquals(collected, true);
});

test("fallbackStream() keeps no answer that it has waited for beside another model", async () => {
  const collected = await isCollected((watch) => {
    const { promise: mayAnswer, resolve } = Promise.withResolvers<void>();
    const slow = async function* () {
      await mayAnswer;
      yield "a0";
    };
    const options: FallbackOptions<unknown, string> = {
      hedge: { afterMs: 0 },
      fallbackOn: () => {
        setTimeout(resolve);
        return Promise.resolve(watch({}) as unknown as boolean);
      },
    };
    const fails = fakeModel("b", [step.fail("overloaded")]);
    return fallbackStream([slow, fails], "hi", options);
  });
  assertEquals(collected, true);
});

test("FallbackStream.return() drops the chunks that were not delivered (R8)", async () => {
  const collected = await isCollected(async (watch) => {
    async function* model() {
      yield watch({});
    }
    const stream = await fallbackStream([model], "hi");
    await stream.return();
    return stream;
  });
  assertEquals(collected, true);
});
