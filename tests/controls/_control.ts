// A control: the right implementation with one small fault, as data. Whatever
// claims to check the rules has to notice it.

import type { Files } from "./_modules.ts";

/** What a control changes: a text that its file holds exactly once. */
export interface Edit {
  /** The file, as seen from the root. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A fault, named by what the implementation then does. */
export type Control =
  & { readonly name: string }
  & (Edit | { readonly edits: readonly Edit[] });

/**
 * Puts the fault into the files.
 *
 * @throws {Error} If the implementation has moved on and left it behind: a text
 * is not there exactly once.
 */
export function mutate(
  files: Files,
  control: Control,
): { mutant: Files; changed: string[] } {
  const mutant = new Map(files);
  const edits = "edits" in control ? control.edits : [control];
  for (const { file, from, to } of edits) {
    const [before, after, ...more] = mutant.get(file)?.split(from) ?? [];
    if (after === undefined || more.length > 0) {
      throw new Error(`is stale: ${file} does not hold exactly once: ${from}`);
    }
    mutant.set(file, `${before}${to}${after}`);
  }
  return { mutant, changed: edits.map(({ file }) => file) };
}
