import { assertEquals, assertLess } from "@std/assert";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Queue } from "../../src/engine/queue.ts";
import { test } from "../_test_without_permissions.ts";

test("Queue keeps nothing of the items that were taken, and takes the oldest first (R10)", () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const heapUsed = () => (collect(), Deno.memoryUsage().heapUsed);
  const queue = new Queue<number>();
  const before = heapUsed();
  for (let item = 0; item < 1_000_000; item += 2) {
    queue.push(item);
    queue.push(item + 1);
    assertEquals(queue.shift() === item && queue.shift() === item + 1, true);
  }
  assertEquals(queue.length, 0);
  // A place for each item would be 8 MiB.
  assertLess(heapUsed() - before, 2 ** 20);
});
