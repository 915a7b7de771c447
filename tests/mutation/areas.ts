// Which tests a part of the source has to pass, from the quickest to the slowest.

/** A part of the source. */
export interface Area {
  /** What the paths of its files begin with. */
  readonly source: string;
  /** Whether the contract and the property suite are about it. */
  readonly contract: boolean;
  /** Files and folders of tests that `deno test` runs. */
  readonly tests: readonly string[];
}

/** The tests of what every call runs through. */
const CORE = [
  "tests/engine",
  "tests/policies",
  "tests/_shared",
  "tests/property/interleavings_test.ts",
  "tests/fallback_stream_test.ts",
  "tests/attempts_of_test.ts",
  "tests/errors_test.ts",
  "tests/format_attempts_test.ts",
  "tests/has_status_test.ts",
  "tests/is_transient_test.ts",
  "tests/hedge_budget_test.ts",
  "tests/journal_snapshots_test.ts",
];

/** The longest prefix of a file's path decides. */
export const AREAS: readonly Area[] = [
  { source: "src/", contract: true, tests: CORE },
  {
    source: "src/_shared/",
    contract: true,
    tests: [...CORE, "tests/openai", "tests/health", "tests/sse"],
  },
  {
    source: "src/testing/",
    contract: true,
    tests: ["tests/testing", "tests/http/fallback_stream_test.ts"],
  },
  { source: "src/continue/", contract: true, tests: ["tests/continue"] },
  ...["ai_sdk", "gateway", "latency", "openai", "otel", "serve", "sse"]
    .map((folder) => ({
      source: `src/${folder}/`,
      contract: false,
      tests: [`tests/${folder}`],
    })),
  ...["health", "kv"].map((folder) => ({
    source: `src/${folder}/`,
    contract: false,
    tests: ["tests/health", "tests/kv"],
  })),
  {
    source: "src/redis/",
    contract: false,
    tests: ["tests/health", "tests/redis"],
  },
];

/** Tests that put load on the machine or start many processes. */
export const TOO_HEAVY: readonly string[] = [
  ...["kv", "redis"].flatMap((folder) => [
    `tests/${folder}/load_test.ts`,
    `tests/${folder}/processes_test.ts`,
  ]),
];

/** The area that a file belongs to. */
export function areaOf(file: string): Area {
  const areas = AREAS.filter(({ source }) => file.startsWith(source));
  return areas.toSorted((a, b) => b.source.length - a.source.length)[0]!;
}
