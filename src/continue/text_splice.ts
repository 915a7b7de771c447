/**
 * The seam between two parts of a text.
 *
 * @module
 */

import { assertArgument, assertOptions } from "../_shared/arguments.ts";
import { ContinuationError } from "./continuation_error.ts";

/** Shorter repetitions may be chance, in characters. */
const MIN_OVERLAP = 32;

/** Options of {@linkcode TextSplice}. */
export interface TextSpliceOptions {
  /**
   * How the next model was made to continue: the text was the beginning of its
   * answer (`"prefill"`), or it was asked to continue (`"ask"`). A model that
   * got a prefill of fewer than 32 characters continues it; what looks like a
   * repetition then is chance.
   *
   * @default {"prefill"}
   */
  readonly as?: "prefill" | "ask" | undefined;
}

/**
 * Joins the text of the next model to the text that was delivered. Models that
 * are made to continue often begin again, or repeat its last part.
 *
 * - If the new text begins with all of the delivered text, apart from white
 *   space at the start, that much is skipped.
 * - Else, if it begins with the last 32 or more characters of the delivered
 *   text, and these occur there only once, they are skipped.
 * - Else it follows as it is, without white space that the delivered text
 *   already ends with. But if it began with 32 or more characters of the
 *   delivered text and then differs, it contradicts what the caller has.
 *
 * While it is not known which of them applies, the text is held back.
 *
 * @example The next model begins again
 * ```ts
 * import { TextSplice } from "@fallback/stream/continue";
 * import { assertEquals } from "@std/assert";
 *
 * const splice = new TextSplice("The capital of France is ", { as: "ask" });
 * assertEquals(splice.push("The capital of "), undefined);
 * assertEquals(splice.push("France is Paris"), "Paris");
 * assertEquals(splice.push("."), ".");
 * assertEquals(splice.end(), undefined);
 * ```
 */
export class TextSplice {
  readonly #delivered: string;
  /** The delivered text without white space at the start. */
  readonly #start: string;
  /** The white space at its end. */
  readonly #space: string;
  /** What was held back; `undefined` once the text passes through. */
  #held: string | undefined = "";
  /** Whether the new text may begin with all of the delivered text. */
  readonly #mayRestart: boolean;
  /**
   * How much of `#start` the held text repeats; `undefined` once it differs, or if
   * it may not restart.
   */
  #restarted: number | undefined;
  /** Where the delivered text first has what was searched of the held text. */
  #position = 0;
  /** How much of the held text was searched. */
  #searched = 0;

  /**
   * Constructs a splice for one part.
   *
   * @param delivered The text that was delivered so far.
   * @param options How the next model was made to continue.
   *
   * @throws {TypeError} If an argument is of the wrong kind.
   */
  constructor(delivered: string, options: TextSpliceOptions = {}) {
    assertArgument(
      typeof delivered === "string",
      "delivered",
      "be a string",
      delivered,
    );
    assertOptions("options", options, { as: true });
    const { as = "prefill" } = options;
    assertArgument(
      as === "prefill" || as === "ask",
      "options.as",
      'be "prefill" or "ask"',
      as,
    );
    this.#delivered = delivered;
    this.#start = delivered.trimStart();
    this.#space = delivered.slice(delivered.trimEnd().length);
    this.#mayRestart = this.#start !== "" &&
      (as === "ask" || delivered.length >= MIN_OVERLAP);
    this.#restarted = this.#mayRestart ? 0 : undefined;
  }

  /**
   * Takes the next piece of the new text.
   *
   * @param text The piece.
   * @returns What to deliver; `undefined` for nothing yet.
   *
   * @throws {ContinuationError} If the new text contradicts what was delivered.
   */
  push(text: string): string | undefined {
    if (text === "") return undefined;
    if (this.#held === undefined) return text;
    const held = this.#held += text;
    const rest = this.#restart(text);
    if (rest !== undefined) return this.#release(rest);
    if (this.#restarted !== undefined) return undefined;
    return this.#space.startsWith(held) || this.#mayOverlap(text)
      ? undefined
      : this.#resolve();
  }

  /**
   * The new text has ended.
   *
   * @returns The text to deliver, or `undefined` for none.
   *
   * @throws {ContinuationError} If the new text contradicts what was delivered.
   */
  end(): string | undefined {
    return this.#held === undefined ? undefined : this.#resolve();
  }

  // The next two compare each piece only with the place where it has to be. To
  // compare all of the held text each time would be quadratic.

  /** The text after all of the delivered one, which this piece completes. */
  #restart(text: string): string | undefined {
    if (this.#restarted === undefined) return undefined;
    const piece = this.#restarted === 0 ? text.trimStart() : text;
    const missing = this.#start.slice(this.#restarted);
    if (piece.startsWith(missing)) return piece.slice(missing.length);
    this.#restarted = missing.startsWith(piece)
      ? this.#restarted + piece.length
      : undefined;
    return undefined;
  }

  /** Whether the held text may still become the end of the delivered one. */
  #mayOverlap(text: string): boolean {
    const delivered = this.#delivered;
    const held = this.#held!;
    const isNext = this.#searched === held.length - text.length &&
      delivered.startsWith(text, this.#position + this.#searched);
    // The first position makes the longest overlap.
    if (!isNext) this.#position = delivered.indexOf(held, this.#position);
    this.#searched = held.length;
    return this.#position !== -1 &&
      delivered.length - this.#position >= MIN_OVERLAP;
  }

  /** The new text does not begin with all of the delivered one. */
  #resolve(): string | undefined {
    const delivered = this.#delivered;
    const held = this.#held!;
    const overlap = overlapOf(delivered, held);
    if (overlap >= MIN_OVERLAP) {
      const repeated = held.slice(0, overlap);
      const isOnce = delivered.indexOf(repeated) === delivered.length - overlap;
      if (isOnce) return this.#release(held.slice(overlap));
    }
    if (this.#mayRestart) {
      const matched = commonLength(held.trimStart(), this.#start);
      if (matched >= MIN_OVERLAP) throw new ContinuationError(matched);
    }
    return this.#release(held.slice(commonLength(held, this.#space)));
  }

  #release(text: string): string | undefined {
    this.#held = undefined;
    return text === "" ? undefined : text;
  }
}

/** How many characters two texts have in common at their start. */
function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/**
 * The length of the longest end of `text` that `next` begins with. This is the
 * search of Knuth, Morris and Pratt: comparing every length would be quadratic
 * for a model that repeats one character.
 */
function overlapOf(text: string, next: string): number {
  const pattern = next.slice(0, text.length);
  const borders = new Int32Array(pattern.length);
  for (let at = 1, length = 0; at < pattern.length; at++) {
    while (length > 0 && pattern[at] !== pattern[length]) {
      length = borders[length - 1]!;
    }
    if (pattern[at] === pattern[length]) length++;
    borders[at] = length;
  }
  let overlap = 0;
  for (let at = text.length - pattern.length; at < text.length; at++) {
    while (overlap > 0 && text[at] !== pattern[overlap]) {
      overlap = borders[overlap - 1]!;
    }
    if (text[at] === pattern[overlap]) overlap++;
  }
  return overlap;
}
