import { assertEquals } from "@std/assert";
import { calls } from "./_judge.ts";
import { problemsOf } from "./_verdicts.ts";

Deno.test("every fault is noticed, and where there is none, none is", async () => {
  assertEquals(await problemsOf(calls), []);
});
