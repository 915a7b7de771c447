// A copy of the project, in which one file at a time is replaced by a mutant and
// the tests of that file are run.

import { TextLineStream } from "@std/streams/text-line-stream";
import { type Area, areaOf, TOO_HEAVY } from "./areas.ts";
import {
  findTests,
  linesOf,
  type MeasuredTest,
  testsOf,
} from "./covering_tests.ts";
import type { Mutant } from "./mutants.ts";

const ROOT = new URL("../../", import.meta.url);
const COPIED = ["deno.json", "mod.ts", "CONTRIBUTING.md", "README.md"];
const COPIED_FOLDERS = ["src", "tests", "tools", "docs", "bench", "examples"];

/** What became of a mutant. `stuck` is one that made no more progress. */
export type Verdict = "killed" | "stuck" | "survived";

/** How a process ended. */
interface Run {
  readonly success: boolean;
  readonly stuck: boolean;
  readonly output: string;
  readonly durationMs: number;
  /** The longest time without a line of output, in milliseconds. */
  readonly longestPauseMs: number;
}

/** What the tests of an area do with the original. */
interface Measured {
  /** The longest pause of the contract, in milliseconds. */
  readonly contractPauseMs: number;
  readonly tests: readonly MeasuredTest[];
}

/** What {@linkcode Sandbox.measure} has measured, by area. */
export type Measurements = ReadonlyMap<Area, Measured>;

/** A copy of the project; disposing of it removes it. */
export class Sandbox implements AsyncDisposable {
  /** Where the copy is, without a slash at the end. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Copies the project into a new folder. */
  static async create(): Promise<Sandbox> {
    const folder = await Deno.makeTempDir({ prefix: "mutants_" });
    for (const name of COPIED) {
      await Deno.copyFile(new URL(name, ROOT), `${folder}/${name}`);
    }
    for (const name of COPIED_FOLDERS) {
      await copyFolder(new URL(`${name}/`, ROOT), `${folder}/${name}`);
    }
    return new Sandbox(folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }

  /**
   * Runs the tests of some files without any mutant. It measures which lines a test
   * runs, and how long it is silent at most. How long a mutant may be silent
   * depends on that, so that no fixed limit decides on a slow machine.
   *
   * @throws {Error} If a test fails.
   */
  async measure(files: readonly string[]): Promise<Measurements> {
    const measurements = new Map<Area, Measured>();
    const tests = new Map<string, MeasuredTest>();
    for (const area of new Set(files.map(areaOf))) {
      const contract = area.contract
        ? orThrow(await this.#runContract())
        : undefined;
      const paths = await findTests(this.folder, area.tests);
      for (const path of paths) {
        if (TOO_HEAVY.includes(path) || tests.has(path)) continue;
        tests.set(path, await this.#measureTest(path));
      }
      measurements.set(area, {
        contractPauseMs: contract?.longestPauseMs ?? 0,
        tests: paths.flatMap((path) => tests.get(path) ?? []),
      });
    }
    return measurements;
  }

  async #measureTest(path: string): Promise<MeasuredTest> {
    const coverage = `${this.folder}/.coverage`;
    const run = orThrow(
      await this.#deno([
        "test",
        "-A",
        `--coverage=${coverage}`,
        "--coverage-raw-data-only",
        path,
      ]),
    );
    const report = await new Deno.Command(Deno.execPath(), {
      args: ["coverage", "--lcov", "--include=/src/", coverage],
      cwd: this.folder,
      stderr: "null",
    }).output();
    await Deno.remove(coverage, { recursive: true });
    const lcov = new TextDecoder().decode(report.stdout);
    return { path, ...run, lines: linesOf(lcov, this.folder) };
  }

  /** Runs the tests of a mutant until one fails. */
  async run(mutant: Mutant, measurements: Measurements): Promise<Verdict> {
    const area = areaOf(mutant.file);
    const { contractPauseMs, tests } = measurements.get(area)!;
    const path = `${this.folder}/${mutant.file}`;
    const original = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, mutant.text);
    try {
      if (area.contract) {
        const verdict = verdictOf(await this.#runContract(contractPauseMs));
        if (verdict !== "survived") return verdict;
      }
      const { covering, others } = testsOf(tests, mutant.file, mutant.lines);
      for (const group of [covering, others]) {
        const verdict = await this.#runTests(group);
        if (verdict !== "survived") return verdict;
      }
      return "survived";
    } finally {
      await Deno.writeTextFile(path, original);
    }
  }

  async #runTests(tests: readonly MeasuredTest[]): Promise<Verdict> {
    if (tests.length === 0) return "survived";
    const pauses = tests.map(({ longestPauseMs }) => longestPauseMs);
    const paths = tests.map(({ path }) => path);
    return verdictOf(
      await this.#deno(
        ["test", "-A", "--fail-fast", ...paths],
        Math.max(...pauses),
      ),
    );
  }

  async #runContract(pauseMs?: number): Promise<Run> {
    return await this.#deno([
      "run",
      "--allow-env=NODE_V8_COVERAGE",
      "tests/mutation/contract_and_property.ts",
    ], pauseMs);
  }

  /**
   * Runs Deno in the copy, and ends it when it makes no more progress.
   *
   * @param pauseMs The longest pause of the same command with the original, in
   * milliseconds. Without it, the process may take any time.
   */
  async #deno(
    [command, ...args]: readonly string[],
    pauseMs = Infinity,
  ): Promise<Run> {
    const patienceMs = Math.max(5_000, 10 * pauseMs);
    await using process = new Deno.Command(Deno.execPath(), {
      args: [
        command!,
        "--no-check",
        "--v8-flags=--max-old-space-size=1024",
        ...args,
      ],
      cwd: this.folder,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const lines = process.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    let stuck = false;
    const startedAt = performance.now();
    let lastAt = startedAt;
    let longestPauseMs = 0;
    const timer = setInterval(() => {
      if (performance.now() - lastAt < patienceMs) return;
      stuck = true;
      process.kill("SIGKILL");
    }, 500);
    const output: string[] = [];
    for await (const line of lines) {
      const now = performance.now();
      longestPauseMs = Math.max(longestPauseMs, now - lastAt);
      lastAt = now;
      output.push(line);
    }
    const { success } = await process.status;
    clearInterval(timer);
    return {
      success,
      stuck,
      output: output.slice(-40).join("\n"),
      durationMs: performance.now() - startedAt,
      longestPauseMs,
    };
  }
}

function orThrow(run: Run): Run {
  if (run.success) return run;
  throw new Error(`The original fails its tests:\n${run.output}`);
}

function verdictOf({ success, stuck }: Run): Verdict {
  if (stuck) return "stuck";
  return success ? "survived" : "killed";
}

async function copyFolder(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) {
      await copyFolder(new URL(`${name}/`, from), `${to}/${name}`);
    } else await Deno.copyFile(new URL(name, from), `${to}/${name}`);
  }
}
