// Judges every control, and first the implementation without a fault: that it
// is not accused is the control of the controls.

import { pathToFileURL } from "node:url";
import { type Control, mutate } from "./control.ts";
import { cancellation } from "./faults/cancellation.ts";
import { clocks } from "./faults/clocks.ts";
import { closing } from "./faults/closing.ts";
import { flow } from "./faults/flow.ts";
import { health } from "./faults/health.ts";
import { nesting } from "./faults/nesting.ts";
import { order } from "./faults/order.ts";
import { remedies } from "./faults/remedies.ts";
import { judge } from "./judge.ts";
import { type Files, load, loadChanged, readModules } from "./modules.ts";
import { naive } from "./naive.ts";
import type { Finding } from "./suites.ts";

/** Every implementation with one fault, made of ours. */
export const controls: readonly Control[] = [
  order,
  cancellation,
  closing,
  flow,
  clocks,
  nesting,
  remedies,
  health,
].flat();

/** What was found in one implementation. */
export interface Verdict {
  /** What it does wrong. */
  readonly name: string;
  readonly finding?: Finding | undefined;
  /** What is wrong with the suites or with the control, if anything. */
  readonly problem?: string | undefined;
}

/** The verdicts, as they are reached. */
export async function* verdicts(): AsyncGenerator<Verdict> {
  const files = await readModules();
  const path = await Deno.makeTempDir();
  try {
    const folder = pathToFileURL(`${path}/`);
    const finding = await judge(await load(files, folder));
    const problem = finding && `is accused by ${finding.by}: ${finding.what}`;
    yield { name: "does nothing wrong", finding, problem };
    yield condemn("is the naive loop", await judge(naive));
    for (const [index, control] of controls.entries()) {
      yield await verdictOn(control, files, folder, index + 1);
    }
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

async function verdictOn(
  control: Control,
  files: Files,
  folder: URL,
  version: number,
): Promise<Verdict> {
  try {
    const { mutant, changed } = mutate(files, control);
    const subject = await loadChanged(mutant, folder, changed, version);
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
