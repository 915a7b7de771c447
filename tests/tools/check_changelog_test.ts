import { assertEquals } from "@std/assert";
import { missingSection } from "../../tools/_check_changelog.ts";

const UNRELEASED = "## [Unreleased]\n\n### Added\n\n- All of it.\n";
const RELEASED = "## [1.2.3] - 2026-11-23\n\n### Fixed\n\n- A bug.\n";
const isMissing = (changelog: string, release: boolean) =>
  missingSection(changelog, release, "1.2.3") !== undefined;

Deno.test("missingSection() accepts 'Unreleased', and for a release only a section with version and date", () => {
  const undated = RELEASED.replace(" - 2026-11-23", "");
  const cases: [string, boolean, boolean][] = [
    [UNRELEASED, false, false],
    [UNRELEASED, true, true],
    [RELEASED, false, false],
    [RELEASED, true, false],
    [`${UNRELEASED}\n${RELEASED}`, true, false],
    [undated, true, true],
    [RELEASED.replace("1.2.3", "1.2.30"), true, true],
    [RELEASED.replace("1.2.3", "1.2.2"), false, true],
    ["", false, true],
  ];
  for (const [changelog, release, expected] of cases) {
    assertEquals(isMissing(changelog, release), expected, changelog);
  }
});
