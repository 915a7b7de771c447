import { assertEquals } from "@std/assert";
import { problemsOf } from "../controls/_verdicts.ts";
import { stores } from "./_judge.ts";

Deno.test("R21 every fault of a store is noticed, and where there is none, none is", async () => {
  assertEquals(await problemsOf(stores), []);
});
