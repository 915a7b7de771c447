/**
 * Checks that the changelog has a section for the version in `deno.json`.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };

/**
 * Returns the problem if the changelog has no section for the version, or
 * `undefined`.
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
