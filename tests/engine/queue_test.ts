import { assertEquals, assertLess } from "@std/assert";
import { heapUsedAfterGc } from "../_heap_used.ts";
import { Queue } from "../../src/engine/queue.ts";
import { test } from "../_test_without_permissions.ts";

test("Queue keeps nothing of the items that were taken, and takes the oldest first (R10)", () => {
  const queue = new Queue<number>();
  const before = heapUsedAfterGc();
  for (let item = 0; item < 1_000_000; item += 2) {
    queue.push(item);
    queue.push(item + 1);
    assertEquals(queue.shift() === item && queue.shift() === item + 1, true);
  }
  assertEquals(queue.length, 0);
  // A place for each item would be 8 MiB.
  assertLess(heapUsedAfterGc() - before, 2 ** 20);
});
