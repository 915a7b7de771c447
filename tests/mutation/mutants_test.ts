import { assertEquals } from "@std/assert";
import { EQUIVALENT } from "./equivalent/mod.ts";
import { mutantsOf } from "./mutants.ts";
import { draw, findMutants, isAbout, runMutants } from "./run_mutants.ts";

/** The mutants of a text, as "operator: changed lines". */
const changes = (text: string) =>
  mutantsOf("a.ts", text).map(({ operator, to }) => `${operator}: ${to}`);

const CASES: Record<string, [text: string, ...expected: string[]]> = {
  "negates conditions": [
    "if (a) b; const c = d ? !e : f;",
    "negate a condition: if (!(a)) b; const c = d ? !e : f;",
    "remove a statement: if (a) ; const c = d ? !e : f;",
    "negate a condition: if (a) b; const c = !(d) ? !e : f;",
    "negate a condition: if (a) b; const c = d ? e : f;",
  ],
  "swaps operators and methods": [
    "const a = b < c || d.some(e);",
    "swap an operator: const a = b < c && d.some(e);",
    "swap an operator: const a = b <= c || d.some(e);",
    "swap a method: const a = b < c || d.every(e);",
  ],
  "removes awaits and the content of finally": [
    "async function f() { try { await a(); } finally { b(); } }",
    "remove a finally: async function f() { try { await a(); } finally {} }",
    "remove a statement: async function f() { try { ; } finally { b(); } }",
    "remove an await: async function f() { try { a(); } finally { b(); } }",
    "remove a statement: async function f() { try { await a(); } finally { ; } }",
  ],
  "changes constants": [
    'const a = [1_000, true, "b", `c ${d}`];',
    'change a constant: const a = [1001, true, "b", `c ${d}`];',
    'change a constant: const a = [1_000, false, "b", `c ${d}`];',
    'change a constant: const a = [1_000, true, "", `c ${d}`];',
    'change a constant: const a = [1_000, true, "b", `${d}`];',
  ],
  "leaves types, imports and sets of names alone": [
    'import { a } from "b"; type C = "d" | 1; interface E { f: true } const g = { h: true, i: true }; async function j() { return await k; } const l = Symbol("m");',
  ],
};

for (const [name, [text, ...expected]] of Object.entries(CASES)) {
  Deno.test(`mutantsOf() ${name}`, () => {
    assertEquals(changes(text), expected);
  });
}

Deno.test("draw() draws the same mutants for the same seed", () => {
  const items = Array.from({ length: 100 }, (_, i) => i);
  assertEquals(draw(items, 10, 1), draw(items, 10, 1));
  assertEquals(new Set(draw(items, 100, 2)), new Set(items));
  assertEquals(`${draw(items, 10, 1)}` === `${draw(items, 10, 2)}`, false);
});

Deno.test("every entry of the list of equivalent mutants is about a mutant, and gives a reason", async () => {
  const mutants = Map.groupBy(await findMutants(), ({ file }) => file);
  const wrong = Object.entries(EQUIVALENT).flatMap(([file, entries]) =>
    entries.filter((entry) =>
      entry.reason === "" ||
      !mutants.get(file)?.some((mutant) => isAbout(entry, mutant))
    )
  );
  assertEquals(wrong, []);
});

Deno.test("runMutants() kills nearly all mutants of a sample", async () => {
  const mutants = await findMutants(["src/engine/", "src/policies/"]);
  const results = await runMutants(draw(mutants, 12, 20_261));
  const survivors = results.filter(({ verdict }) => verdict === "survived");
  // `deno task mutation` measures the share; this shows that it can be measured.
  assertEquals(
    survivors.length <= 3,
    true,
    survivors.map(({ mutant: { file, to } }) => `${file}: ${to}`).join("\n"),
  );
});
