// The README and the pages under docs/: links, tables, quotations and figures.
// `deno task test` runs their snippets.

import { assert, assertEquals } from "@std/assert";
import * as root from "@fallback/stream";
import { fallbackStream } from "@fallback/stream";
import config from "../deno.json" with { type: "json" };
import { bundledSize } from "../tools/_bundled_size.ts";
import { COMPILERS } from "./runtimes/_compile.ts";
import { RUNTIMES } from "./runtimes/_smoke.ts";

const ROOT = new URL("../", import.meta.url);

/** The base URL of links that have to work on JSR, too. */
const REPOSITORY = "https://github.com/fallback/stream/blob/main/";

async function read(name: string): Promise<string> {
  return await Deno.readTextFile(new URL(name, ROOT));
}

const PAGES = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...Array.from(Deno.readDirSync(new URL("docs", ROOT)), ({ name }) => name)
    .filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
];

/** The anchor of a heading, as GitHub and JSR make it. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```.*?^```$/gms, "");
}

function anchorsOf(text: string): string[] {
  return Array.from(
    withoutCode(text).matchAll(/^#+ (.+)$/gm),
    ([, heading]) => `#${anchorOf(heading!)}`,
  );
}

/** The targets of all links: `](target)` and `[name]: target`. */
function linksOf(text: string): string[] {
  return Array.from(
    withoutCode(text).matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$/gm),
    ([, inline, reference]) => inline ?? reference!,
  );
}

/** The broken links to files and headings of this repository. */
async function deadLinks(name: string): Promise<string[]> {
  const page = new URL(name, ROOT);
  const dead: string[] = [];
  for (const link of linksOf(await read(name))) {
    const local = link.startsWith(REPOSITORY)
      ? `${ROOT}${link.slice(REPOSITORY.length)}`
      : link;
    const url = new URL(local, page);
    if (url.protocol !== "file:") continue;
    const { hash } = url;
    url.hash = "";
    try {
      const isFound = hash === "" ||
        anchorsOf(await Deno.readTextFile(url)).includes(hash);
      await Deno.stat(url);
      if (!isFound) dead.push(link);
    } catch {
      dead.push(link);
    }
  }
  return dead;
}

for (const name of PAGES) {
  Deno.test(`${name} has no broken link`, async () => {
    assertEquals(await deadLinks(name), []);
  });
}

Deno.test("README.md and CHANGELOG.md have only links that work on JSR", async () => {
  for (const name of ["README.md", "CHANGELOG.md"]) {
    const relative = linksOf(await read(name))
      .filter((link) => !link.startsWith("https://"));
    assertEquals(relative, [], name);
  }
});

Deno.test("every page names only tasks that deno.json has", async () => {
  for (const name of PAGES) {
    const tasks = Array.from(
      (await read(name)).matchAll(/\bdeno(?:@\S+)?\s+task\s+([a-z][\w:-]*)/g),
      ([, task]) => task!,
    );
    const unknown = tasks.filter((task) => !Object.hasOwn(config.tasks, task));
    assertEquals(unknown, [], name);
  }
});

Deno.test("README.md has at most 260 lines", async () => {
  const lines = (await read("README.md")).trimEnd().split("\n");
  assert(lines.length <= 260, `${lines.length} lines`);
});

Deno.test("README.md lists every entry point", async () => {
  const [, section] = (await read("README.md")).split("## Entry points\n");
  const listed = Array.from(
    section!.matchAll(/^\| `@fallback\/stream(\S*)` +\|/gm),
    ([, path]) => `.${path}`,
  );
  assertEquals(listed, Object.keys(config.exports));
});

/** The options at a path, as the error for an unknown option lists them. */
async function knownOptions(path: string): Promise<string[]> {
  const wrong = { unknown: true };
  const options = path === "" ? wrong : { [path]: wrong };
  let message = "";
  try {
    await fallbackStream([() => new ReadableStream()], "hi", options as object);
  } catch (error) {
    message = String(error);
  }
  const [, list] = /known options are (.+)$/.exec(message)!;
  return Array.from(
    list!.matchAll(/'(\w+)'/g),
    ([, name]) => path === "" ? name! : `${path}.${name}`,
  );
}

Deno.test("README.md lists every option", async () => {
  const [, section] = (await read("README.md")).split("## Options\n");
  const listed = Array.from(
    section!.split("\n## ")[0]!.matchAll(/^\| `([\w.]+)` +\|/gm),
    ([, name]) => name!,
  );
  const groups = ["timeouts", "retry", "hedge"];
  const known = (await Promise.all(["", ...groups].map(knownOptions))).flat()
    .filter((name) => !groups.includes(name));
  assertEquals(listed.toSorted(), known.toSorted());
});

Deno.test("README.md lists every error class of the root", async () => {
  const readme = await read("README.md");
  for (const [name, value] of Object.entries(root)) {
    const { prototype } = Object(value);
    if (!(prototype instanceof Error)) continue;
    assert(readme.includes(`\n| \`${name}\` `), name);
  }
});

Deno.test("README.md states the size of the root", async () => {
  const [, stated] = /gzipped-([.\d]+)%20KiB/.exec(await read("README.md"))!;
  const bytes = await bundledSize("mod.ts");
  const difference = Math.abs(Number(stated) - bytes / 1024);
  assert(difference < 0.3, `stated ${stated} KiB, measured ${bytes} bytes`);
});

/** Runs a snippet of README.md as a program. */
async function run(snippet: string): Promise<string> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", "--allow-env", "-"],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  await new Blob([snippet]).stream().pipeTo(process.stdin);
  return new TextDecoder().decode((await process.output()).stdout);
}

Deno.test("README.md has snippets that print the expected output, without std", async () => {
  const readme = await read("README.md");
  const snippets = Array.from(
    readme.matchAll(/^```ts\n(.*?)^```$/gms),
    ([, snippet]) => snippet!,
  );
  assertEquals(await Promise.all(snippets.map(run)), [
    "Good morning!\nHow are you?\nThis was llama.\n",
    "3\n",
    "You said: hi\n",
  ]);
  assertEquals(readme.match(/@std\//), null);
});

Deno.test("README.md states the runtime versions that are tested", async () => {
  const readme = await read("README.md");
  const promised = readme.matchAll(/\b(Deno|Node|Bun)\s+(\d[.\d]*\d|\d)/g);
  const tested = RUNTIMES.map((runtime) => runtime.replace(/(\.0)+$/, ""));
  assertEquals(
    new Set(
      Array.from(
        promised,
        ([, name, version]) => `${name!.toLowerCase()}@${version}`,
      ),
    ),
    new Set(tested),
  );
  const [, oldest] = /TypeScript has to be ([.\d]+) or/.exec(readme)!;
  assert(COMPILERS.some(({ version }) => version.startsWith(`${oldest}.`)));
});

Deno.test("all documents name the same Deno version for npx", async () => {
  const versions = new Set<string>();
  for (const name of ["README.md", "CONTRIBUTING.md", ".ci/run"]) {
    const named = Array.from(
      (await read(name)).matchAll(/npx -y deno@(\S+?)[`\s]/g),
      ([, version]) => version!,
    );
    assert(named.length > 0, name);
    for (const version of named) versions.add(version);
  }
  assertEquals(versions.size, 1, [...versions].join(" "));
});

/** Code without comments, line ends and indentation. */
function condensed(code: string): string {
  return code.replaceAll(/\/\/.*$/gm, "").replaceAll(/\s+/g, "");
}

Deno.test("docs/architecture.md quotes the current source, and names existing files", async () => {
  const page = await read("docs/architecture.md");
  const quotes = Array.from(
    page.matchAll(/<!-- source: (\S+) -->\s+```ts ignore\n(.*?)^```$/gms),
  );
  assert(quotes.length > 0);
  for (const [, path, quote] of quotes) {
    assert(condensed(await read(path!)).includes(condensed(quote!)), path);
  }
  const paths = page.matchAll(/`((?:src|tests|engine|policies)\/[\w./]+)`/g);
  for (const [, path] of paths) {
    const isShort = /^(engine|policies)\//.test(path!);
    await Deno.stat(new URL(isShort ? `src/${path}` : path!, ROOT));
  }
  for (const { name } of Deno.readDirSync(new URL("src/engine", ROOT))) {
    assert(page.includes(`\`engine/${name}\``), name);
  }
});

Deno.test("docs/contract.md names the files with the cases of each rule", async () => {
  const filesOf = new Map<string, Set<string>>();
  for (const { name } of Deno.readDirSync(new URL("tests/contract", ROOT))) {
    const code = await read(`tests/contract/${name}`);
    for (const [, rule] of code.matchAll(/\brule\(\s*"(R\d+)"/g)) {
      if (!filesOf.has(rule!)) filesOf.set(rule!, new Set());
      filesOf.get(rule!)!.add(name);
    }
  }
  const page = await read("docs/contract.md");
  const rows = page.matchAll(/^\| (R\d+) .*\|([^|]*)\|$/gm);
  const named = Array.from(rows, ([, rule, cell]) => {
    const files = cell!.matchAll(/`(\w+\.ts)`/g);
    return [rule!, Array.from(files, ([, name]) => name!).sort()] as const;
  });
  assertEquals(
    Object.fromEntries(named),
    Object.fromEntries(
      [...filesOf].map(([rule, names]) => [rule, [...names].sort()]),
    ),
  );
});
