// Judges every control, and first the implementation without a fault: that it
// is not accused is the control of the controls.

import { pathToFileURL } from "node:url";
import { temporaryFolder } from "../_temporary_folder.ts";
import { type Control, mutate } from "./_control.ts";
import { type Files, load, loadChanged, readModules } from "./_modules.ts";
import type { Finding } from "./_suites.ts";

/** An implementation, what may be wrong with it, and who has to notice. */
export interface Trial<Subject> {
  /** The modules that it is loaded from. */
  readonly entries: readonly string[];
  readonly controls: readonly Control[];
  /** Others that are wrong, by what they are. */
  readonly others?: Readonly<Record<string, Subject>>;
  /** What is wrong with an implementation; nothing if nobody notices. */
  judge(subject: Subject): Promise<Finding | undefined>;
}

/** What was found in one implementation. */
export interface Verdict {
  /** What it does wrong. */
  readonly name: string;
  readonly finding?: Finding | undefined;
  /** What is wrong with the suites or with the control, if anything. */
  readonly problem?: string | undefined;
}

/** The verdicts, as they are reached. */
export async function* verdicts<Subject>(
  trial: Trial<Subject>,
): AsyncGenerator<Verdict> {
  const { entries, controls, others = {}, judge } = trial;
  const files = await readModules(entries);
  await using temporary = await temporaryFolder();
  const folder = pathToFileURL(`${temporary.path}/`);
  const finding = await judge(await load(files, entries, folder));
  const problem = finding && `is accused by ${finding.by}: ${finding.what}`;
  yield { name: "does nothing wrong", finding, problem };
  for (const [name, other] of Object.entries(others)) {
    yield condemn(name, await judge(other));
  }
  for (const [index, control] of controls.entries()) {
    yield await verdictOn(control, trial, files, folder, index + 1);
  }
}

/** What is wrong with a trial, a line for each control that is. */
export async function problemsOf<Subject>(
  trial: Trial<Subject>,
): Promise<string[]> {
  const problems: string[] = [];
  for await (const { name, problem } of verdicts(trial)) {
    if (problem !== undefined) problems.push(`"${name}" ${problem}`);
  }
  return problems;
}

async function verdictOn<Subject>(
  control: Control,
  { entries, judge }: Trial<Subject>,
  files: Files,
  folder: URL,
  version: number,
): Promise<Verdict> {
  try {
    const { mutant, changed } = mutate(files, control);
    const subject = await loadChanged<Subject>(
      mutant,
      entries,
      folder,
      changed,
      version,
    );
    return condemn(control.name, await judge(subject));
  } catch (error) {
    // It is stale, or cannot even be loaded: that is no fault to be noticed.
    const problem = error instanceof Error ? error.message : String(error);
    return { name: control.name, problem };
  }
}

function condemn(name: string, finding: Finding | undefined): Verdict {
  return { name, finding, problem: finding ? undefined : "survives" };
}
