import { assertEquals } from "@std/assert";
import { linesOf, testsOf } from "./covering_tests.ts";
import { EQUIVALENT } from "./equivalent/mod.ts";
import { mutantsOf } from "./mutants.ts";
import { draw, findMutants, isAbout, runMutants } from "./run_mutants.ts";
import { Sandbox } from "./sandbox.ts";
import { withoutTypeErrors } from "./type_errors.ts";

/** The mutants of a text, as "operator: changed lines". */
const changes = (text: string) =>
  mutantsOf("a.ts", text).map(({ operator, to }) => `${operator}: ${to}`);

const CASES: Record<string, [text: string, ...expected: string[]]> = {
  "negates conditions": [
    "if (a) b; const c = d ? !e : f;",
    "negate a condition: if (!(a)) b; const c = d ? !e : f;",
    "remove a statement: if (a) {} const c = d ? !e : f;",
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

Deno.test("withoutTypeErrors() leaves out what does not compile", async () => {
  await using sandbox = await Sandbox.create();
  // Its class has private fields, so that a copy of it is another type.
  const file = "src/engine/committed_stream.ts";
  const text = await Deno.readTextFile(`${sandbox.folder}/${file}`);
  const [mutant] = mutantsOf(file, text);
  const mutants = [
    { ...mutant!, text: `${text}const a: string = 1;` },
    { ...mutant!, text: `${text}const a: number = 2;` },
  ];
  const valid = await withoutTypeErrors(mutants, sandbox.folder);
  assertEquals(valid, mutants.slice(1));
});

Deno.test("testsOf() tells the tests that run a line from the others, the quickest first", () => {
  const test = (path: string, durationMs: number, lcov: string) => ({
    path,
    durationMs,
    longestPauseMs: 1,
    lines: linesOf(lcov, "/p"),
  });
  const tests = [
    test("slow", 2, "SF:/p/src/a.ts\nDA:3,1\nDA:4,0\nend_of_record\n"),
    test("other", 0, "SF:/p/src/b.ts\nDA:3,1\nend_of_record\n"),
    test("quick", 1, "SF:/p/src/a.ts\nDA:3,7\nend_of_record\n"),
  ];
  const paths = (first: number, last: number) => {
    const { covering, others } = testsOf(tests, "src/a.ts", [first, last]);
    return [covering, others].map((group) => group.map(({ path }) => path));
  };
  assertEquals(paths(2, 3), [["quick", "slow"], ["other"]]);
  assertEquals(paths(4, 4), [[], ["other", "quick", "slow"]]);
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
  // A part with quick tests; `deno task mutation` measures the others.
  const mutants = await findMutants(["src/latency/"]);
  const results = await runMutants(draw(mutants, 5, 20_261));
  const survivors = results.filter(({ verdict }) => verdict === "survived");
  assertEquals(
    survivors.length <= 1,
    true,
    survivors.map(({ mutant: { file, to } }) => `${file}: ${to}`).join("\n"),
  );
});
