import { assertEquals, assertMatch } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { checkDocs } from "../../tools/_check_docs.ts";

const SNIPPET = `\`\`\`ts
 * import { assert } from "@std/assert";
 * assert(true);
 * \`\`\``;

const MODULE = `/**
 * A module.
 *
 * ${SNIPPET}
 *
 * @module
 */
export {}; // Otherwise the comment belongs to the next symbol.
`;

const FUNCTION = `/**
 * Does something.
 *
 * @typeParam T A type.
 * @param a One.
 * @param b Two.
 * @param rest The others.
 * @returns One of them.
 *
 * @example Usage
 * ${SNIPPET}
 *
 * @throws {TypeError} Never.
 */
export function f<T>(a: T, b = 1, ...rest: T[]): T {
  return rest[b] ?? a;
}
`;

/** The report on an entry point with this text. */
async function check(text: string): Promise<string | undefined> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, text);
    return await checkDocs([file]);
  } finally {
    await Deno.remove(file);
  }
}

/** What is missing in the docs of a module, as "symbol: what". */
async function missingDocs(text: string): Promise<string[]> {
  const [, ...lines] = (await check(MODULE + text))?.split("\n") ?? [];
  return lines.map((line) => line.replace(/^.*\.ts:\d+ /, ""));
}

Deno.test("checkDocs() reports nothing for the entry points", async () => {
  assertEquals(await checkDocs(Object.values(config.exports)), undefined);
});

Deno.test("checkDocs() reports file and line of a missing doc comment", async () => {
  const report = await check(`${MODULE}export type A = string;\n`);
  assertMatch(report!, /\n {2}\S+\.ts:12 A: a summary$/);
});

Deno.test("checkDocs() returns Deno's error for a file that cannot be parsed", async () => {
  assertMatch((await check("export {"))!, /SyntaxError: /);
});

Deno.test("checkDocs() requires a module doc with an example", async () => {
  const missingDocs = /@module: an example that asserts$/;
  assertMatch((await check("export {};\n"))!, missingDocs);
  const bare = "/**\n * A module.\n *\n * @module\n */\n";
  assertMatch((await check(bare))!, missingDocs);
  assertEquals(await check(MODULE), undefined);
});

Deno.test("checkDocs() requires a summary and every tag of a function", async () => {
  assertEquals(await missingDocs(FUNCTION), []);
  const code = FUNCTION.slice(FUNCTION.indexOf("export"));
  assertEquals(await missingDocs(code), [
    "f: a summary",
    "f: @typeParam T",
    "f: @param a,b,rest",
    "f: @returns",
    "f: @example",
  ]);
});

Deno.test("checkDocs() rejects the documentation of a parameter that does not exist", async () => {
  const old = FUNCTION.replace(" * @param b", " * @param c One.\n$&");
  assertEquals(await missingDocs(old), ["f: @param a,b,rest"]);
});

Deno.test("checkDocs() requires no @returns for functions that return nothing", async () => {
  const members =
    "a(): void;\n  b(): Promise<void>;\n  c(): unknown;\n  d(): this;"
      .replaceAll(/^ *\w/gm, "  /** Does. */\n$&");
  const code = `/** Things. */\nexport interface I {\n${members}\n}\n`;
  assertEquals(await missingDocs(code), []);
});

Deno.test("checkDocs() requires tags in order", async () => {
  const line = " * @throws {TypeError} Never.\n";
  const late = FUNCTION.replace(line, "")
    .replace(" * @typeParam", `${line}$&`);
  assertMatch(
    `${await missingDocs(late)}`,
    /^f: the order template, .*, throws$/,
  );
});

Deno.test("checkDocs() requires a title and an assertion of each example", async () => {
  const bare = FUNCTION.replace("@example Usage", "@example");
  assertEquals(await missingDocs(bare), ["f: a title of @example"]);
  const unasserted = ["f: an assertion in @example"];
  const silent = FUNCTION.replace("@std/assert", "@std/async");
  assertEquals(await missingDocs(silent), unasserted);
  const ignored = FUNCTION.replace("```ts", "```ts ignore");
  assertEquals(await missingDocs(ignored), unasserted);
});

Deno.test("checkDocs() requires an example of a class unless a function returns it", async () => {
  const code = "export class C {}\n";
  assertEquals(await missingDocs(`/** A class. */\n${code}`), ["C: @example"]);
  const made = "/** A class, made by {@linkcode make}. */\n";
  assertEquals(await missingDocs(made + code), []);
});

Deno.test("checkDocs() requires docs of members, and units of quantities", async () => {
  const code = `/** Options. */
export interface Options {
  a: string;
  /** How long. */
  waitMs: number;
  /** How long, in milliseconds. */
  idleMs: number;
  /** How much. */
  maxBytes: number;
}
`;
  assertEquals(await missingDocs(code), [
    "Options.a: a summary",
    "Options.waitMs: the unit of waitMs",
    "Options.maxBytes: the unit of maxBytes",
  ]);
});

Deno.test("checkDocs() requires the unit of a parameter that is a quantity", async () => {
  const timed = FUNCTION.replace("@param a One", "@param ms How long")
    .replace("(a: T", "(ms: T").replace("?? a", "?? ms");
  assertEquals(await missingDocs(timed), ["f: the unit of ms"]);
});

Deno.test("checkDocs() requires docs of each overload, not of the implementation", async () => {
  const code = `/** One. */
export function f(a: string): void;
${FUNCTION.replace(/ \{\n[^}]*\}\n$/, ";\n").replace("b = 1", "b?: number")}
export function f(): unknown {
  return 0;
}
`;
  assertEquals(await missingDocs(code), ["f: @param a", "f: @example"]);
});
