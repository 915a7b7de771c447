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

Deno.test("an import of another package becomes a jsr: specifier", () => {
  assertEquals(
    rewriteImports('import { a } from "../made_up/a_b.js";', "here/now.js"),
    'import { a } from "jsr:@std/made-up@^1/a-b";',
  );
});

Deno.test("an import of another package's root has no subpath", () => {
  assertEquals(
    rewriteImports('export * from "../made_up/mod.js";', "here/now.js"),
    'export * from "jsr:@std/made-up@^1";',
  );
});

Deno.test("an import over several lines is rewritten", () => {
  assertEquals(
    rewriteImports('import {\n  a,\n} from "../made_up/a.js";\n', "here/x.js"),
    'import {\n  a,\n} from "jsr:@std/made-up@^1/a";\n',
  );
});

Deno.test("a folder of the wrong name becomes the package of the right one", () => {
  assertEquals(
    rewriteImports('import { a } from "../made-up/a_b.js";', "here/now.js"),
    'import { a } from "jsr:@std/made-up@^1/a-b";',
  );
});

Deno.test("an import within the package stays, however deep it is", () => {
  for (const specifier of ["./a.js", "../a.js", "../../here/a.js"]) {
    const line = `import { a } from "${specifier}";`;
    assertEquals(rewriteImports(line, "here/deep/now.js"), line);
  }
});

Deno.test("a deep import of another package is resolved from its file", () => {
  assertEquals(
    rewriteImports('import { a } from "../../there/a.js";', "here/deep/x.js"),
    'import { a } from "jsr:@std/there@^1/a";',
  );
});

Deno.test("what only looks like an import stays", () => {
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

Deno.test("files are exported under the names that JSR gives them", () => {
  assertEquals(exportName("mod.js"), ".");
  assertEquals(exportName("red_black_tree.js"), "./red-black-tree");
  assertEquals(exportName("posix/mod.js"), "./posix");
  assertEquals(exportName("posix/from_url.js"), "./posix/from-url");
});

Deno.test("a private file and a declaration get no export", () => {
  assertEquals(
    exportsOf(["mod.js", "a_b.js", "a_b.d.ts", "_c.js", "_d/e.js", "f/_g.js"]),
    { ".": "./mod.js", "./a-b": "./a_b.js" },
  );
});

Deno.test("a file with a declaration says so on its first line", () => {
  const served = serve("made_up", MADE_UP, ONE_THING_TYPES);
  assertEquals(
    served.get("one_thing.js"),
    '// @ts-self-types="./one_thing.d.ts"\nimport { b } from "jsr:@std/made-up-too@^1/b-b";\n',
  );
  assertEquals(served.get("other.js"), MADE_UP.get("other.js"));
});

Deno.test("a root declares those of its parts that have a declaration", () => {
  const served = serve("made_up", MADE_UP, ONE_THING_TYPES);
  assertEquals(
    served.get("mod.d.ts"),
    'export * from "./one_thing.d.ts";\n',
  );
});

Deno.test("a package without declarations is served without types", () => {
  const served = serve("made_up", MADE_UP, new Map());
  assertEquals(served.get("mod.js"), MADE_UP.get("mod.js"));
  assertEquals(served.has("mod.d.ts"), false);
});

Deno.test("a package is laid out with its versions, sizes, checksums and exports", async () => {
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
