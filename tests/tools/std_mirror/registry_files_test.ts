import { assertEquals } from "@std/assert";
import {
  exportName,
  exportsOf,
  registryFiles,
  rewriteImports,
  serve,
} from "../../../tools/std_mirror/_registry_files.ts";

const MADE_UP = new Map([
  ["mod.js", 'export * from "./one_thing.js";\nexport * from "./other.js";\n'],
  ["one_thing.js", 'import { b } from "../made_up_too/b_b.js";\n'],
  ["other.js", "export const other = 1;\n"],
  ["_private.js", "export const hidden = 1;\n"],
]);
const ONE_THING_TYPES = new Map([[
  "one_thing.d.ts",
  "export const one: number;\n",
]]);

Deno.test("rewriteImports() makes an import of another package a jsr: specifier", () => {
  assertEquals(
    rewriteImports('import { a } from "../made_up/a_b.js";', "here/now.js"),
    'import { a } from "jsr:@std/made-up@^1/a-b";',
  );
});

Deno.test("rewriteImports() adds no subpath to the root of another package", () => {
  assertEquals(
    rewriteImports('export * from "../made_up/mod.js";', "here/now.js"),
    'export * from "jsr:@std/made-up@^1";',
  );
});

Deno.test("rewriteImports() rewrites an import over several lines", () => {
  assertEquals(
    rewriteImports('import {\n  a,\n} from "../made_up/a.js";\n', "here/x.js"),
    'import {\n  a,\n} from "jsr:@std/made-up@^1/a";\n',
  );
});

Deno.test("rewriteImports() corrects the wrong folder name of some versions", () => {
  assertEquals(
    rewriteImports('import { a } from "../made-up/a_b.js";', "here/now.js"),
    'import { a } from "jsr:@std/made-up@^1/a-b";',
  );
});

Deno.test("rewriteImports() keeps imports within the package", () => {
  for (const specifier of ["./a.js", "../a.js", "../../here/a.js"]) {
    const line = `import { a } from "${specifier}";`;
    assertEquals(rewriteImports(line, "here/deep/now.js"), line);
  }
});

Deno.test("rewriteImports() resolves a deep import from its file", () => {
  assertEquals(
    rewriteImports('import { a } from "../../there/a.js";', "here/deep/x.js"),
    'import { a } from "jsr:@std/there@^1/a";',
  );
});

Deno.test("rewriteImports() ignores imports in comments and texts", () => {
  const code = [
    "/**",
    ' * import { a } from "../made_up/a.js";',
    'import { a } from "../made_up/a.js";',
    " */",
    'const text = `from "../made_up/a.js"`;',
    '  import { a } from "../made_up/a.js";',
  ].join("\n");
  assertEquals(rewriteImports(code, "here/now.js"), code);
});

Deno.test("exportName() gives files the names that they have on JSR", () => {
  assertEquals(exportName("mod.js"), ".");
  assertEquals(exportName("red_black_tree.js"), "./red-black-tree");
  assertEquals(exportName("posix/mod.js"), "./posix");
  assertEquals(exportName("posix/from_url.js"), "./posix/from-url");
});

Deno.test("exportsOf() leaves out private files and declarations", () => {
  assertEquals(
    exportsOf(["mod.js", "a_b.js", "a_b.d.ts", "_c.js", "_d/e.js", "f/_g.js"]),
    { ".": "./mod.js", "./a-b": "./a_b.js" },
  );
});

Deno.test("serve() names the declaration on the first line of a file", () => {
  const served = serve("made_up", MADE_UP, ONE_THING_TYPES);
  assertEquals(
    served.get("one_thing.js"),
    '// @ts-self-types="./one_thing.d.ts"\nimport { b } from "jsr:@std/made-up-too@^1/b-b";\n',
  );
  assertEquals(served.get("other.js"), MADE_UP.get("other.js"));
});

Deno.test("serve() declares in the root the parts that have a declaration", () => {
  const served = serve("made_up", MADE_UP, ONE_THING_TYPES);
  assertEquals(
    served.get("mod.d.ts"),
    'export * from "./one_thing.d.ts";\n',
  );
});

Deno.test("serve() adds no types to a package without declarations", () => {
  const served = serve("made_up", MADE_UP, new Map());
  assertEquals(served.get("mod.js"), MADE_UP.get("mod.js"));
  assertEquals(served.has("mod.d.ts"), false);
});

Deno.test("registryFiles() writes versions, sizes, checksums and exports", async () => {
  const files = await registryFiles(
    { folder: "made_up", version: "1.2.3" },
    new Map([["mod.js", "é"], ["a_b.js", "abc"]]),
  );
  assertEquals([...files.keys()].sort(), [
    "@std/made-up/1.2.3/a_b.js",
    "@std/made-up/1.2.3/mod.js",
    "@std/made-up/1.2.3_meta.json",
    "@std/made-up/meta.json",
  ]);
  assertEquals(JSON.parse(files.get("@std/made-up/meta.json")!), {
    scope: "std",
    name: "made-up",
    latest: "1.2.3",
    versions: { "1.2.3": {} },
  });
  assertEquals(JSON.parse(files.get("@std/made-up/1.2.3_meta.json")!), {
    manifest: {
      "/mod.js": {
        size: 2,
        checksum:
          "sha256-4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c",
      },
      "/a_b.js": {
        size: 3,
        checksum:
          "sha256-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      },
    },
    exports: { ".": "./mod.js", "./a-b": "./a_b.js" },
  });
});
