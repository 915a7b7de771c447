import { assert, assertEquals } from "@std/assert";
import { COMPILERS } from "./runtimes/_compile.ts";
import { RUNTIMES } from "./runtimes/_smoke.ts";

const ROOT = new URL("../", import.meta.url);

/** What a heading is called in a link, as GitHub and JSR call it. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

/** The links within the project that lead nowhere. */
async function deadLinks(name: string): Promise<string[]> {
  const text = (await Deno.readTextFile(new URL(name, ROOT)))
    .replaceAll(/^```.*?^```$/gms, "");
  const anchors = Array.from(
    text.matchAll(/^#+ (.+)$/gm),
    ([, heading]) => `#${anchorOf(heading!)}`,
  );
  const links = Array.from(text.matchAll(/\]\(([^)]+)\)/g), ([, to]) => to!)
    .filter((to) => !to.includes("://"));
  const dead: string[] = [];
  for (const to of links) {
    const leads = to.startsWith("#")
      ? anchors.includes(to)
      : await Deno.stat(new URL(to, new URL(name, ROOT))).then(
        () => true,
        () => false,
      );
    if (!leads) dead.push(to);
  }
  return dead;
}

for (
  const name of [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/contract.md",
    "docs/migration.md",
  ]
) {
  Deno.test(`${name} has no link that leads nowhere`, async () => {
    assertEquals(await deadLinks(name), []);
  });
}

async function read(name: string): Promise<string> {
  return await Deno.readTextFile(new URL(name, ROOT));
}

Deno.test("the README promises the versions that are tested", async () => {
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

Deno.test("whoever has only npm is told the same Deno everywhere", async () => {
  const told = new Set<string>();
  for (const name of ["README.md", "CONTRIBUTING.md", ".ci/run"]) {
    const versions = Array.from(
      (await read(name)).matchAll(/npx -y deno@(\S+?)[`\s]/g),
      ([, version]) => version!,
    );
    assert(versions.length > 0, name);
    for (const version of versions) told.add(version);
  }
  assertEquals(told.size, 1, [...told].join(" "));
});
