// Lines of a body that are part of no event.

/** How much of what can only become an error is kept, in characters. */
export const MAX_ERROR_LENGTH = 64 * 1024;

/** Whether a text begins as a whole answer does: as JSON or a page. */
export function isAnswer(text: string): boolean {
  return /^[ \t\n\r]*[{[<]/.test(text);
}

/** JSON over several lines, a page for a browser, or any text. */
export class StrayLines {
  readonly #lines: string[] = [];
  /** How long the text was when it was looked at last, in characters. */
  #seenLength = 0;
  /** The length of the text in characters. */
  length = 0;
  /** The text begins as a whole answer does. */
  isAnswer = false;

  /** The first line. */
  get start(): string {
    return this.#lines[0] ?? "";
  }

  get text(): string {
    this.#seenLength = this.length;
    return this.#lines.join("\n");
  }

  /** Parsing is tried when the text has doubled, so that its cost is linear. */
  get isWorthParsing(): boolean {
    return this.isAnswer && this.length >= 2 * this.#seenLength;
  }

  add(line: string): void {
    if (this.length === 0) this.isAnswer = isAnswer(line);
    if (!this.isAnswer && this.length > MAX_ERROR_LENGTH) return;
    this.#lines.push(line);
    this.length += line.length + 1;
  }

  clear(): void {
    this.#lines.length = 0;
    this.#seenLength = this.length = 0;
    this.isAnswer = false;
  }
}
