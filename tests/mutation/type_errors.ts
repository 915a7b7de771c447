// Which mutants do not compile. `deno check` finds them, not the tests.

import type { Mutant } from "./mutants.ts";

/**
 * The mutants without a new type error. Each is checked as a file of its own, next
 * to the original.
 *
 * @param mutants The mutants.
 * @param project A copy of the project, in which files can be written.
 */
export async function withoutTypeErrors(
  mutants: readonly Mutant[],
  project: string,
): Promise<Mutant[]> {
  const copyOf = (file: string, name: string) =>
    file.replace(/[^/]+$/, `__${name}_$&`);
  const copies = new Map(
    mutants.map((mutant, index) => [mutant, copyOf(mutant.file, `${index}`)]),
  );
  const originals = new Set(mutants.map(({ file }) => file));
  for (const file of originals) {
    const copy = `${project}/${copyOf(file, "original")}`;
    await Deno.copyFile(`${project}/${file}`, copy);
  }
  for (const [{ text }, copy] of copies) {
    await Deno.writeTextFile(`${project}/${copy}`, text);
  }
  const errors = await typeErrors(project, [
    ...[...originals].map((file) => copyOf(file, "original")),
    ...copies.values(),
  ]);
  // A copy of a class is another type for those who use the original.
  return mutants.filter((mutant) => {
    const known = errors.get(copyOf(mutant.file, "original"));
    const found = errors.get(copies.get(mutant)!) ?? [];
    return found.every((error) => known?.includes(error));
  });
}

/** The type errors of some files, by file. */
async function typeErrors(
  project: string,
  files: readonly string[],
): Promise<Map<string, string[]>> {
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", ...files],
    cwd: project,
    env: { NO_COLOR: "1" },
  }).output();
  const errors = new Map<string, string[]>();
  const found = new TextDecoder().decode(stderr)
    .matchAll(/^(TS\d+ \[ERROR\]: .*)\n[^]*?at file:\/\/([^\n]*):\d+:\d+$/gm);
  for (const [, error, path] of found) {
    const file = path!.slice(project.length + 1);
    const message = error!.replaceAll(/__(\d+|original)_/g, "");
    errors.set(file, [...errors.get(file) ?? [], message]);
  }
  return errors;
}
