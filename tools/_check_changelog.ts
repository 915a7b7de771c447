/**
 * Whether the changelog knows the version that `deno.json` names.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };

/**
 * What to tell whoever has forgotten a section of the changelog; nothing if
 * nobody has.
 *
 * @param changelog Its text, in the format of Keep a Changelog.
 * @param release Whether the version is released now, and needs a date.
 */
export function missingSection(
  changelog: string,
  release: boolean,
  version = config.version,
): string | undefined {
  const headings = changelog.match(/^## .+$/gm) ?? [];
  const mine = headings.find((line) => line.startsWith(`## [${version}]`));
  if (/ - \d{4}-\d{2}-\d{2}$/.test(mine ?? "")) return undefined;
  if (!release && (mine ?? headings[0]) === "## [Unreleased]") return undefined;
  return `CHANGELOG.md has no section '## [${version}] - YYYY-MM-DD'` +
    (release ? "" : ", nor '## [Unreleased]' as its first");
}
