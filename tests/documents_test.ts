import { assertEquals } from "@std/assert";

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
