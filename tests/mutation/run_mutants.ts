// Runs mutants on all cores, and counts.

import { random } from "../../bench/_random.ts";
import { EQUIVALENT, type EquivalentMutant } from "./equivalent/mod.ts";
import { type Mutant, mutantsOf } from "./mutants.ts";
import { withoutTypeErrors } from "./type_errors.ts";
import { type Measurements, Sandbox, type Verdict } from "./sandbox.ts";

const ROOT = new URL("../../", import.meta.url);

/** What became of a mutant, or why it was not run. */
export interface Result {
  readonly mutant: Mutant;
  readonly verdict: Verdict | "equivalent";
}

/** All mutants of the files whose paths contain one of these texts. */
export async function findMutants(
  parts: readonly string[] = ["src/"],
): Promise<Mutant[]> {
  const mutants: Mutant[] = [];
  for (const file of (await filesBelow("src")).sort()) {
    if (!parts.some((part) => file.includes(part))) continue;
    const text = await Deno.readTextFile(new URL(file, ROOT));
    mutants.push(...mutantsOf(file, text));
  }
  return mutants;
}

async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(new URL(folder, ROOT))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) files.push(...await filesBelow(path));
    else if (path.endsWith(".ts")) files.push(path);
  }
  return files;
}

/** Draws some of the mutants, always the same ones for a seed. */
export function draw<T>(items: readonly T[], count: number, seed: number): T[] {
  return items.map((item, index) => ({ item, key: random(seed, index)() }))
    .sort((a, b) => a.key - b.key)
    .slice(0, count)
    .map(({ item }) => item);
}

/** Draws as many mutants that compile, or all of them if there are fewer. */
export async function drawValid(
  mutants: readonly Mutant[],
  count: number,
  seed: number,
): Promise<{ drawn: Mutant[]; invalid: number }> {
  const waiting = draw(mutants, mutants.length, seed);
  const drawn: Mutant[] = [];
  let invalid = 0;
  while (drawn.length < count && waiting.length > 0) {
    const next = waiting.splice(0, count - drawn.length);
    await using sandbox = await Sandbox.create();
    const valid = await withoutTypeErrors(next, sandbox.folder);
    drawn.push(...valid);
    invalid += next.length - valid.length;
  }
  return { drawn, invalid };
}

/** Whether an entry of the list for the mutant's file is about this mutant. */
export function isAbout(
  { from, to, lineBefore }: EquivalentMutant,
  mutant: Mutant,
): boolean {
  return from === mutant.from && to === mutant.to &&
    (lineBefore === undefined || lineBefore === mutant.lineBefore);
}

/** Whether the list of equivalent mutants has this one. */
function isEquivalent(mutant: Mutant): boolean {
  const entries = EQUIVALENT[mutant.file] ?? [];
  return entries.some((entry) => isAbout(entry, mutant));
}

/**
 * Runs the tests of each mutant, in several copies of the project at once.
 *
 * @param mutants The mutants.
 * @param onResult Called with each result, in the order in which they come.
 */
export async function runMutants(
  mutants: readonly Mutant[],
  onResult: (result: Result) => void = () => {},
): Promise<Result[]> {
  const results: Result[] = [];
  const add = (result: Result) => {
    results.push(result);
    onResult(result);
  };
  const waiting: Mutant[] = [];
  for (const mutant of mutants) {
    if (isEquivalent(mutant)) {
      add({ mutant, verdict: "equivalent" });
    } else waiting.push(mutant);
  }
  const files = [...new Set(waiting.map(({ file }) => file))];
  const measurements = await measure(files);
  const workers = Math.min(navigator.hardwareConcurrency, waiting.length);
  await Promise.all(Array.from({ length: workers }, async () => {
    await using sandbox = await Sandbox.create();
    for (let mutant; (mutant = waiting.shift());) {
      add({ mutant, verdict: await sandbox.run(mutant, measurements) });
    }
  }));
  return results;
}

async function measure(files: readonly string[]): Promise<Measurements> {
  await using sandbox = await Sandbox.create();
  return await sandbox.measure(files);
}
