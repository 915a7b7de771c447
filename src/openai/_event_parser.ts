// From text to the lines and events of an event stream, synchronously.
//
// `eventsource-parser` is not used here, because it drops a line that is neither
// a field of the standard nor in one packet. Servers put errors into such lines.

const LINE_FEED = 10;
const SPACE = 32;

/** Receives what a text holds, in order. */
export interface EventHandler {
  /**
   * A blank line: an event has ended, unless both are empty.
   *
   * @param data Its `data` lines, joined by line feeds.
   * @param name Its `event` field; empty if it has none.
   */
  onEvent(data: string, name: string): void;
  /** A line that is neither `data` nor `event`, nor blank. */
  onLine(line: string): void;
}

/** Splits texts into lines and events. Lines end with LF, CRLF or CR. */
export class EventParser {
  readonly #handler: EventHandler;
  /** The parts of a line that has not ended yet. */
  readonly #parts: string[] = [];
  #partsLength = 0;
  #data: string | undefined;
  #name = "";
  /** The text so far ended with CR, so an LF that follows ends no line. */
  #skipLineFeed = false;

  constructor(handler: EventHandler) {
    this.#handler = handler;
  }

  /** How many characters are held for an event that has not ended yet. */
  get heldLength(): number {
    return this.#partsLength + (this.#data?.length ?? 0);
  }

  /** The beginning of the line that has not ended yet. */
  get unfinishedStart(): string {
    return this.#parts[0] ?? "";
  }

  /** The line that has not ended yet. */
  get unfinishedLine(): string {
    return this.#parts.join("");
  }

  /** Parses the text that follows what was fed before. */
  feed(text: string): void {
    if (this.#skipLineFeed && text !== "") {
      if (text.charCodeAt(0) === LINE_FEED) text = text.slice(1);
      this.#skipLineFeed = false;
    }
    if (text.includes("\r")) {
      this.#skipLineFeed = text.endsWith("\r");
      text = text.replaceAll("\r\n", "\n").replaceAll("\r", "\n");
    }
    let start = 0;
    let end = text.indexOf("\n");
    if (end >= 0 && this.#parts.length > 0) {
      const line = this.#takeUnfinishedLine() + text.slice(0, end);
      this.#parseLine(line, 0, line.length);
      start = end + 1;
      end = text.indexOf("\n", start);
    }
    while (end >= 0) {
      this.#parseLine(text, start, end);
      start = end + 1;
      end = text.indexOf("\n", start);
    }
    if (start < text.length) {
      this.#parts.push(text.slice(start));
      this.#partsLength += text.length - start;
    }
  }

  /** Drops the line that has not ended yet. */
  dropUnfinishedLine(): void {
    this.#takeUnfinishedLine();
  }

  /** Ends the last line and the last event, which the standard would drop. */
  end(): void {
    const line = this.#takeUnfinishedLine();
    this.#parseLine(line, 0, line.length);
    this.#endEvent();
  }

  #takeUnfinishedLine(): string {
    const line = this.unfinishedLine;
    this.#parts.length = 0;
    this.#partsLength = 0;
    return line;
  }

  #parseLine(text: string, start: number, end: number): void {
    if (start === end) return this.#endEvent();
    if (text.startsWith("data:", start)) {
      const value = text.slice(skipSpace(text, start + 5), end);
      this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
    } else if (text.startsWith("event:", start)) {
      this.#name = text.slice(skipSpace(text, start + 6), end);
    } else {
      this.#handler.onLine(text.slice(start, end));
    }
  }

  #endEvent(): void {
    const data = this.#data ?? "";
    const name = this.#name;
    this.#data = undefined;
    this.#name = "";
    this.#handler.onEvent(data, name);
  }
}

function skipSpace(text: string, at: number): number {
  return text.charCodeAt(at) === SPACE ? at + 1 : at;
}
