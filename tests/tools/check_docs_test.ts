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
export {}; // else the comment would be that of what follows
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

/** What is said of an entry point with this text. */
async function check(text: string): Promise<string | undefined> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, text);
    return await checkDocs([file]);
  } finally {
    await Deno.remove(file);
  }
}

/** What the symbols of a module lack, as "name: what". */
async function lacking(text: string): Promise<string[]> {
  const [, ...lines] = (await check(MODULE + text))?.split("\n") ?? [];
  return lines.map((line) => line.replace(/^.*\.ts:\d+ /, ""));
}

Deno.test("checkDocs() finds nothing in the entry points", async () => {
  assertEquals(await checkDocs(Object.values(config.exports)), undefined);
});

Deno.test("checkDocs() names the file and the line of what is missing", async () => {
  const said = await check(`${MODULE}export type A = string;\n`);
  assertMatch(said!, /\n {2}\S+\.ts:12 A: a summary$/);
});

Deno.test("checkDocs() returns Deno's error for a file that cannot be parsed", async () => {
  assertMatch((await check("export {"))!, /SyntaxError: /);
});

Deno.test("checkDocs() requires a module doc with an example", async () => {
  const lacking = /@module: an example that asserts$/;
  assertMatch((await check("export {};\n"))!, lacking);
  const bare = "/**\n * A module.\n *\n * @module\n */\n";
  assertMatch((await check(bare))!, lacking);
  assertEquals(await check(MODULE), undefined);
});

Deno.test("checkDocs() requires a summary and every tag of a function", async () => {
  assertEquals(await lacking(FUNCTION), []);
  const code = FUNCTION.slice(FUNCTION.indexOf("export"));
  assertEquals(await lacking(code), [
    "f: a summary",
    "f: @typeParam T",
    "f: @param a,b,rest",
    "f: @returns",
    "f: @example",
  ]);
});

Deno.test("checkDocs() rejects the documentation of a parameter that does not exist", async () => {
  const old = FUNCTION.replace(" * @param b", " * @param c One.\n$&");
  assertEquals(await lacking(old), ["f: @param a,b,rest"]);
});

Deno.test("checkDocs() requires no @returns of what returns nothing", async () => {
  const members =
    "a(): void;\n  b(): Promise<void>;\n  c(): unknown;\n  d(): this;"
      .replaceAll(/^ *\w/gm, "  /** Does. */\n$&");
  const code = `/** Things. */\nexport interface I {\n${members}\n}\n`;
  assertEquals(await lacking(code), []);
});

Deno.test("checkDocs() requires the tags in order", async () => {
  const line = " * @throws {TypeError} Never.\n";
  const late = FUNCTION.replace(line, "")
    .replace(" * @typeParam", `${line}$&`);
  assertMatch(`${await lacking(late)}`, /^f: the order template, .*, throws$/);
});

Deno.test("checkDocs() requires a title and an assertion of each example", async () => {
  const bare = FUNCTION.replace("@example Usage", "@example");
  assertEquals(await lacking(bare), ["f: a title of @example"]);
  const unasserted = ["f: an assertion in @example"];
  const silent = FUNCTION.replace("@std/assert", "@std/async");
  assertEquals(await lacking(silent), unasserted);
  const ignored = FUNCTION.replace("```ts", "```ts ignore");
  assertEquals(await lacking(ignored), unasserted);
});

Deno.test("a class needs an example unless a function makes it", async () => {
  const code = "export class C {}\n";
  assertEquals(await lacking(`/** A class. */\n${code}`), ["C: @example"]);
  const made = "/** A class, made by {@linkcode make}. */\n";
  assertEquals(await lacking(made + code), []);
});

Deno.test("members are documented, and quantities have a unit", async () => {
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
  assertEquals(await lacking(code), [
    "Options.a: a summary",
    "Options.waitMs: the unit of waitMs",
    "Options.maxBytes: the unit of maxBytes",
  ]);
});

Deno.test("a parameter that is a quantity has a unit", async () => {
  const timed = FUNCTION.replace("@param a One", "@param ms How long")
    .replace("(a: T", "(ms: T").replace("?? a", "?? ms");
  assertEquals(await lacking(timed), ["f: the unit of ms"]);
});

Deno.test("each overload is documented, and not the body", async () => {
  const code = `/** One. */
export function f(a: string): void;
${FUNCTION.replace(/ \{\n[^}]*\}\n$/, ";\n").replace("b = 1", "b?: number")}
export function f(): unknown {
  return 0;
}
`;
  assertEquals(await lacking(code), ["f: @param a", "f: @example"]);
});
