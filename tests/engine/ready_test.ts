// Chunks that have already arrived: the rest of one network packet.

import { fallbackStream, mapModel } from "@fallback/stream";
import { assertEquals } from "@std/assert";
import { type ReadySource, takeReady } from "../../src/engine/ready.ts";
import { test } from "../_test_without_permissions.ts";

/** A model whose pulls bring packets of chunks, and the number of its pulls. */
function packetModel(...packets: string[][]) {
  let packet: string[] = [];
  const model = {
    name: "a",
    pulls: 0,
    stream: () => ({
      [Symbol.asyncIterator]: () => ({
        next(): Promise<IteratorResult<string>> {
          model.pulls++;
          if (packet.length === 0) packet = packets.shift() ?? [];
          const value = packet.shift();
          return Promise.resolve(
            value === undefined
              ? { done: true, value }
              : { done: false, value },
          );
        },
        [takeReady](): IteratorYieldResult<string> | undefined {
          const value = packet.shift();
          return value === undefined ? undefined : { done: false, value };
        },
      }),
    }),
  };
  return model;
}

/** All chunks that have already arrived. */
function takeAll(stream: unknown): string[] {
  const taken: string[] = [];
  const { [takeReady]: take } = stream as Required<ReadySource<string>>;
  for (let each; (each = take.call(stream));) {
    assertEquals(each.done, false);
    taken.push(each.value!);
  }
  return taken;
}

test("takeReady() of a stream returns what has arrived, and pulls nothing (R14)", async () => {
  const model = packetModel(["a0", "a1", "a2"], ["a3", "a4"]);
  const stream = await fallbackStream([model], "hi", {
    isFinal: (chunk) => chunk === "a4",
  });
  assertEquals(takeAll(stream), ["a0", "a1", "a2"]);
  assertEquals([model.pulls, stream.attempts[0]!.chunks], [1, 3]);
  assertEquals(await stream.next(), { done: false, value: "a3" });
  assertEquals(takeAll(stream), ["a4"]);
  assertEquals(await stream.next(), { done: true, value: undefined });
  assertEquals(takeAll(stream), []);
  assertEquals(stream.attempts[0]!.outcome, "completed");
});

test("takeReady() of a stream converts the chunks of a mapped model (R22)", async () => {
  const model = mapModel(packetModel(["a0|a1", "", "a2"], ["", "a3"]), {
    request: () => "hi",
    chunk: (text) => text.split("|").filter(Boolean),
  });
  const stream = await fallbackStream([model], "hi");
  assertEquals(takeAll(stream), ["a0", "a1", "a2"]);
  assertEquals(await stream.next(), { done: false, value: "a3" });
  await stream.return();
});

test("takeReady() of a stream returns nothing while a next() waits, and after the end", async () => {
  const { promise, resolve } = Promise.withResolvers<IteratorResult<string>>();
  const results = [Promise.resolve({ done: false, value: "a0" }), promise];
  const model = () => ({
    [Symbol.asyncIterator]: () => ({
      next: () => results.shift()!,
      [takeReady]: () => ({ done: false, value: "too early" }),
    }),
  });
  const stream = await fallbackStream<unknown, string>([model], "hi");
  await stream.next();
  const waiting = stream.next();
  assertEquals(takeAll(stream), []);
  resolve({ done: false, value: "a1" });
  assertEquals(await waiting, { done: false, value: "a1" });
  await stream.return();
  assertEquals(takeAll(stream), []);
});

test("takeReady() of a stream returns nothing where the model knows of nothing, or isFinal ends the stream", async () => {
  async function* plain() {
    yield "a0";
    yield "a1";
  }
  await using stream = await fallbackStream([plain], "hi");
  assertEquals(takeAll(stream), ["a0"]);

  const cut = await fallbackStream([packetModel(["a0", "a1"])], "hi", {
    isFinal(chunk) {
      if (chunk === "a1") cut.return();
      return false;
    },
  });
  assertEquals(takeAll(cut), ["a0"]);
  assertEquals(cut.attempts[0]!.chunks, 1);
});
