import { assertEquals } from "@std/assert";
import { calls } from "./judge.ts";
import { problemsOf } from "./verdicts.ts";

Deno.test("every fault is noticed, and where there is none, none is", async () => {
  assertEquals(await problemsOf(calls), []);
});
