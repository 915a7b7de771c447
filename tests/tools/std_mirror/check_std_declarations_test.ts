import { assertEquals } from "@std/assert";
import {
  declaredIn,
  stdImports,
  undeclared,
} from "../../../tools/std_mirror/check_std_declarations.ts";

const DECLARED = declaredIn(
  new Map([
    [
      "made_up/one_thing.d.ts",
      "/** One. */\nexport interface OneOptions {}\nexport function one(): void;\nexport type { Other };\n",
    ],
    ["made_up/two.d.ts", "export class Two extends Error {}\n"],
  ]),
);

Deno.test("stdImports() reads the names as the module exports them", () => {
  const line = 'import { a, type B, c as d } from "@std/made-up/one-thing";';
  assertEquals(stdImports(line), [
    { module: "made-up/one-thing", names: ["a", "B", "c"] },
  ]);
});

Deno.test("stdImports() reads an import over several lines of a doc comment", () => {
  const comment = ' * import {\n *   a,\n *   b,\n * } from "@std/made-up";\n';
  assertEquals(stdImports(comment), [{ module: "made-up", names: ["a", "b"] }]);
});

Deno.test("stdImports() reads re-exports, namespaces and bare imports", () => {
  const lines = [
    'export { a } from "@std/made-up";',
    'import * as b from "@std/made-up/two";',
    'import "@std/made-up/three";',
  ];
  assertEquals(stdImports(lines.join("\n")), [
    { module: "made-up", names: ["a"] },
    { module: "made-up/two", names: [] },
    { module: "made-up/three", names: [] },
  ]);
});

Deno.test("stdImports() drops the version of an inline specifier", () => {
  const line = 'import { a } from "jsr:@std/made-up@^1.0.0/two";';
  assertEquals(stdImports(line), [{ module: "made-up/two", names: ["a"] }]);
});

Deno.test("stdImports() reads dynamic imports", () => {
  const line = 'const { delay } = await import("@std/async/delay");';
  assertEquals(stdImports(line), [{ module: "async/delay", names: [] }]);
});

Deno.test("stdImports() ignores other imports", () => {
  const lines = [
    'import { a } from "./std.ts";',
    'import { b } from "node:fs";',
    'const text = "from @std/made-up";',
  ];
  assertEquals(stdImports(lines.join("\n")), []);
});

Deno.test("undeclared() accepts a declared name from its module and from the root", () => {
  const lines = [
    'import { one, type OneOptions, type Other } from "@std/made-up/one-thing";',
    'import { one, Two } from "@std/made-up";',
  ];
  assertEquals(undeclared(new Map([["x.ts", lines.join("\n")]]), DECLARED), []);
});

Deno.test("undeclared() names the file of an undeclared name or module", () => {
  const lines = [
    'import { one, Two } from "@std/made-up/one-thing";',
    'import { three } from "@std/made-up/three";',
    'import { four } from "@std/other";',
  ];
  assertEquals(undeclared(new Map([["x.ts", lines.join("\n")]]), DECLARED), [
    'x.ts: Two from "@std/made-up/one-thing"',
    'x.ts: "@std/made-up/three"',
    'x.ts: "@std/other"',
  ]);
});
