// Mutants that behave as the original does, or differ only in what no test should
// hold fast. They are found by the text of their lines, so that a change in other
// lines does not invalidate them.

/** A mutant that need not be killed. */
export interface EquivalentMutant {
  /** The path of the file from the root of the project. */
  readonly file: string;
  /** `from` of the mutant. */
  readonly from: string;
  /** `to` of the mutant. */
  readonly to: string;
  /** Why no test can, or should, tell it from the original. */
  readonly reason: string;
}

/** All of them, by file. */
export const EQUIVALENT: readonly EquivalentMutant[] = [];
