import { assertEquals } from "@std/assert";
import { verdicts } from "./verdicts.ts";

Deno.test("every fault is noticed, and where there is none, none is", async () => {
  const problems: string[] = [];
  for await (const { name, problem } of verdicts()) {
    if (problem !== undefined) problems.push(`"${name}" ${problem}`);
  }
  assertEquals(problems, []);
});
