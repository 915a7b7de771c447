// A copy of the project, in which one file at a time is replaced by a mutant and
// the tests of that file are run.

import { TextLineStream } from "@std/streams/text-line-stream";
import { areaOf, TOO_HEAVY } from "./areas.ts";
import type { Mutant } from "./mutants.ts";

const ROOT = new URL("../../", import.meta.url);
const COPIED = ["deno.json", "mod.ts", "CONTRIBUTING.md", "README.md"];
const COPIED_FOLDERS = ["src", "tests", "tools", "docs", "bench", "examples"];

/** What became of a mutant. `stuck` is one that made no more progress. */
export type Verdict = "killed" | "stuck" | "survived";

/** How a process ended. */
interface Run {
  readonly command: string;
  readonly success: boolean;
  readonly stuck: boolean;
  readonly output: string;
  /** The longest time without a line of output, in milliseconds. */
  readonly longestPauseMs: number;
}

/** The longest pause of a command's output with the original, in milliseconds. */
export type Pauses = Map<string, number>;

/** A copy of the project; disposing of it removes it. */
export class Sandbox implements AsyncDisposable {
  readonly #folder: string;
  readonly #pauses: Pauses;

  private constructor(folder: string, pauses: Pauses) {
    this.#folder = folder;
    this.#pauses = pauses;
  }

  /**
   * Copies the project into a new folder.
   *
   * @param pauses What {@linkcode Sandbox.runOriginal} has measured, if it has run.
   */
  static async create(pauses: Pauses = new Map()): Promise<Sandbox> {
    const folder = await Deno.makeTempDir({ prefix: "mutants_" });
    for (const name of COPIED) {
      await Deno.copyFile(new URL(name, ROOT), `${folder}/${name}`);
    }
    for (const name of COPIED_FOLDERS) {
      await copyFolder(new URL(`${name}/`, ROOT), `${folder}/${name}`);
    }
    return new Sandbox(folder, pauses);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }

  /**
   * Runs the tests of some files without any mutant, and measures how long they
   * are silent at most. How long a mutant may be silent depends on that, so that
   * no fixed limit decides on a slow machine.
   *
   * @throws {Error} If they fail.
   */
  async runOriginal(files: readonly string[]): Promise<Pauses> {
    const areas = new Set(files.map(areaOf));
    for (const { contract, tests } of areas) {
      for await (const run of this.#stages(contract, tests)) {
        if (!run.success) {
          throw new Error(`The original fails its tests:\n${run.output}`);
        }
        this.#pauses.set(run.command, run.longestPauseMs);
      }
    }
    return this.#pauses;
  }

  /** Runs the tests of a mutant until one fails. */
  async run({ file, text }: Mutant): Promise<Verdict> {
    const path = `${this.#folder}/${file}`;
    const original = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text);
    try {
      const { contract, tests } = areaOf(file);
      for await (const { success, stuck } of this.#stages(contract, tests)) {
        if (stuck) return "stuck";
        if (!success) return "killed";
      }
      return "survived";
    } finally {
      await Deno.writeTextFile(path, original);
    }
  }

  async *#stages(
    contract: boolean,
    tests: readonly string[],
  ): AsyncGenerator<Run> {
    if (contract) {
      yield await this.#deno([
        "run",
        "--allow-env=NODE_V8_COVERAGE",
        "tests/mutation/contract_and_property.ts",
      ]);
    }
    const found: string[] = [];
    for (const path of tests) {
      if (await exists(`${this.#folder}/${path}`)) found.push(path);
    }
    if (found.length === 0) return;
    yield await this.#deno([
      "test",
      "-A",
      "--fail-fast",
      `--ignore=${TOO_HEAVY.join()}`,
      ...found,
    ]);
  }

  /** Runs Deno in the copy, and ends it when it makes no more progress. */
  async #deno([command, ...args]: readonly string[]): Promise<Run> {
    const id = [command, ...args].join(" ");
    const pause = this.#pauses.get(id) ?? Infinity;
    const patienceMs = Math.max(5_000, 10 * pause);
    await using process = new Deno.Command(Deno.execPath(), {
      args: [
        command!,
        "--no-check",
        "--v8-flags=--max-old-space-size=1024",
        ...args,
      ],
      cwd: this.#folder,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const lines = process.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    let stuck = false;
    let lastAt = performance.now();
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
      command: id,
      success,
      stuck,
      output: output.slice(-40).join("\n"),
      longestPauseMs,
    };
  }
}

async function copyFolder(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) {
      await copyFolder(new URL(`${name}/`, from), `${to}/${name}`);
    } else await Deno.copyFile(new URL(name, from), `${to}/${name}`);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}
