/**
 * Checks that our exports are documented as those of the standard library are:
 * what a doc comment contains, and in which order. `deno doc --lint` checks only
 * that there is one.
 *
 * @module
 */

import { relative } from "node:path";
import { fileURLToPath } from "node:url";

/** A comment, as `deno doc --json` reads it. */
interface Comment {
  readonly doc?: string;
  readonly tags?: readonly Part[];
}

/** A declaration, a member, a tag, a parameter or a type, as it describes them. */
type Part =
  & {
    readonly kind: string;
    readonly name?: string;
    readonly doc?: string;
    readonly repr?: string;
    readonly jsDoc?: Comment;
    readonly hasBody?: boolean;
    readonly location: { readonly filename: string; readonly line: number };
  }
  & { readonly [one in "def" | "functionDef" | "returnType" | "value"]?: Part }
  & { readonly [one in "left" | "arg"]?: Part }
  & { readonly [many in "typeParams" | "params" | Members]?: readonly Part[] };

type Members = "constructors" | "properties" | "methods" | "callSignatures";

/** One entry point. */
interface Entry {
  readonly module_doc?: Comment;
  readonly symbols: readonly { name: string; declarations: Part[] }[];
}

const ORDER = ["template", "param", "return", "example", "default", "throws"];
const QUANTITY = /^ms$|(Ms|Bytes)$/;
const UNIT = /\b(milliseconds|ms|bytes|[KM]iB)\b/;
/** An example that is run, hence without `ignore`, and asserts. */
const ASSERTING = /^```ts$[^]*"@std\/assert"/m;
/** Results that need no description: none, or the object itself. */
const NOTHING = /^(void|unknown|this)$/;

const names = (parts: readonly Part[] = []) =>
  parts.map(({ name, left, arg }) => name ?? left?.name ?? arg?.name).join();

/** The required parts that a comment lacks. */
function* lacking(part: Part): Generator<string> {
  const { kind, jsDoc: { doc = "", tags = [] } = {} } = part;
  const tagsOf = (kind: string) => tags.filter((tag) => tag.kind === kind);
  if (doc.trim() === "") yield "a summary";
  const quantities = [{ name: part.name, doc }, ...tagsOf("param")]
    .filter(({ name = "" }) => QUANTITY.test(name));
  for (const { name, doc = "" } of quantities) {
    if (!UNIT.test(doc)) yield `the unit of ${name}`;
  }

  const box = part.functionDef ?? part.def ?? part;
  const typeParams = names(box.typeParams);
  const params = box.params && names(box.params);
  if (names(tagsOf("template")) !== typeParams) {
    yield `@typeParam ${typeParams}`;
  }
  if (params !== undefined && names(tagsOf("param")) !== params) {
    yield `@param ${params}`;
  }
  const { repr = "", value } = box.returnType ?? { repr: "void" };
  const result = repr === "Promise" ? value?.typeParams?.[0]?.repr ?? "" : repr;
  const gives = kind !== "getter" && !NOTHING.test(result);
  if (gives && tagsOf("return").length === 0) yield "@returns";

  const examples = tagsOf("example");
  // Users do not construct the classes whose objects our functions return.
  const isConstructed = kind === "class" && !/made by \{@linkcode/.test(doc);
  const needsExample = kind === "function" || isConstructed;
  if (needsExample && examples.length === 0) yield "@example";
  for (const { doc = "" } of examples) {
    if (doc.startsWith("```")) yield "a title of @example";
    if (!ASSERTING.test(doc)) yield "an assertion in @example";
  }
  const ranks = tags.map(({ kind }) => ORDER.indexOf(kind))
    .filter((rank) => rank !== -1); // `@module` of a namespace has no place
  const isInOrder = ranks.every((rank, i) => rank >= (ranks[i - 1] ?? 0));
  if (!isInOrder) yield `the order ${ORDER.join(", ")}`;
}

/** Symbols and their members, each with its name. */
function* partsOf({ symbols }: Entry): Generator<[string, Part]> {
  for (const { name, declarations } of symbols) {
    for (const declaration of declarations) {
      const { kind, def = declaration } = declaration;
      // A reference is documented at its target, and the body of a function with
      // overloads is not shown.
      const isUnseen = declarations.length > 1 && def.hasBody;
      if (kind === "reference" || isUnseen) continue;
      yield [name, declaration];
      const { constructors, properties, methods, callSignatures } = def;
      const members = [constructors, properties, methods, callSignatures];
      for (const member of members.flatMap((some) => some ?? [])) {
        yield [`${name}.${member.name ?? "()"}`, member];
      }
    }
  }
}

const ROOT = new URL("../", import.meta.url);

/** The problems of an entry point's comments, a line each. */
function* allLacking(url: string, entry: Entry): Generator<string> {
  const place = (url: string) =>
    relative(fileURLToPath(ROOT), fileURLToPath(url));
  if (!ASSERTING.test(entry.module_doc?.doc ?? "")) {
    yield `${place(url)}:1 @module: an example that asserts`;
  }
  for (const [name, part] of partsOf(entry)) {
    const { filename, line } = part.location;
    for (const what of lacking(part)) {
      yield `${place(filename)}:${line + 1} ${name}: ${what}`;
    }
  }
}

/**
 * Checks the documentation of all exports.
 *
 * @param entries The entry points, as `deno doc` takes them.
 * @param env What Deno needs in its environment.
 * @returns The problems, a line each, or `undefined`.
 */
export async function checkDocs(
  entries: readonly string[],
  env: Record<string, string> = {},
): Promise<string | undefined> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...entries],
    env,
    cwd: ROOT,
  }).output();
  const text = new TextDecoder();
  if (!success) return text.decode(stderr);
  const { nodes } = JSON.parse(text.decode(stdout));
  const missing = Object.entries(nodes)
    .flatMap(([url, entry]) => [...allLacking(url, entry as Entry)]);
  return missing.length > 0
    ? ["The comments of these lack:", ...missing].join("\n  ")
    : undefined;
}
