// What each entry point imports, and what importing it does.

import { assert, assertEquals } from "@std/assert";
import config from "../deno.json" with { type: "json" };

const ROOT = new URL("../", import.meta.url);

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly { readonly specifier: string }[];
}

/** Runs Deno, and returns what it prints. */
async function deno(args: readonly string[], program = ""): Promise<string> {
  const process = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  await new Blob([program]).stream().pipeTo(process.stdin);
  const { success, stdout } = await process.output();
  assert(success);
  return new TextDecoder().decode(stdout);
}

/** The files of this repository that an entry point imports. */
async function filesOf(entry: string): Promise<Module[]> {
  const { modules } = JSON.parse(await deno(["info", "--json", entry]));
  return modules.filter(({ specifier }: Module) =>
    specifier.startsWith(ROOT.href)
  );
}

/** The packages that these files import. */
function packagesOf(files: readonly Module[]): string[] {
  const specifiers = files.flatMap(({ dependencies = [] }) =>
    dependencies.map(({ specifier }) => specifier)
  );
  return [
    ...new Set(
      specifiers.filter((specifier) => !specifier.startsWith("."))
        .map((specifier) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)![0]),
    ),
  ].sort();
}

/** The packages that each entry point may import, from CONTRIBUTING.md. */
async function allowed(): Promise<Map<string, string[]>> {
  const text = await Deno.readTextFile(new URL("CONTRIBUTING.md", ROOT));
  const rows = text.matchAll(/^\| `([^`]+)` +\| ([^|]+) \|/gm);
  const entries = new Map<string, string[]>();
  for (const [, name, where] of rows) {
    for (const [, entry] of where!.matchAll(/`(\.\/[^`]+)`/g)) {
      entries.set(entry!, [...entries.get(entry!) ?? [], name!].sort());
    }
  }
  return entries;
}

/** The files whose code uses the global `Deno`. */
async function namingDeno(files: readonly Module[]): Promise<string[]> {
  const naming: string[] = [];
  for (const { specifier } of files) {
    const text = await Deno.readTextFile(new URL(specifier));
    const code = text.replaceAll(/\/\*\*[^]*?\*\/|(?<=^|\s)\/\/ .*$/gm, "");
    if (/\bDeno\b(?! \d|\.customInspect)/.test(code)) {
      naming.push(specifier.slice(ROOT.href.length));
    }
  }
  return naming.sort();
}

const LISTEN = ["src/testing/_http_server.ts", "src/testing/fake_provider.ts"];

const NAMING_DENO: Record<string, readonly string[]> = {
  "./kv": ["src/kv/kv_health.ts"], // the type of its argument
  // A command, which runs in Deno only, with fakes for `--demo`.
  "./serve": [
    "src/serve/_main.ts",
    "src/serve/mod.ts",
    "src/serve/serve.ts",
    ...LISTEN,
  ],
  "./testing": LISTEN,
};

Deno.test("entry points import only the packages that CONTRIBUTING.md lists, and use Deno only where needed", async () => {
  const packages = await allowed();
  assert(packages.size > 0);
  await Promise.all(
    Object.entries(config.exports).map(async ([entry, path]) => {
      const files = await filesOf(path);
      assert(files.length > 0, entry);
      assertEquals(packagesOf(files), packages.get(entry) ?? [], entry);
      const naming = await namingDeno(files);
      assertEquals(naming, NAMING_DENO[entry] ?? [], entry);
    }),
  );
});

Deno.test("the root module has no side effect on import, and needs no permission", async () => {
  const program = `
    const own = () => Object.entries(
      Object.getOwnPropertyDescriptors(globalThis),
    ).map(([name, { get, set, value }]) => [name, get ?? value, set]);
    const look = () => { throw new Error("Deno was touched"); };
    Object.defineProperty(globalThis, "Deno", { get: look });
    const before = new Map(own().map(([name, ...is]) => [name, is]));
    await import("@fallback/stream");
    const after = own().filter(([name, ...is]) =>
      !is.every((part, i) => Object.is(part, before.get(name)?.[i])));
    console.log(JSON.stringify(after.map(([name]) => name)));
  `;
  const out = await deno(["run", "--no-prompt", "--quiet", "-"], program);
  assertEquals(JSON.parse(out), []);
});
