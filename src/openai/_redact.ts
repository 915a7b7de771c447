// Removes secrets from errors, because errors end up in logs: whole secrets and,
// where a text is truncated, the beginning of one.

import { parseJson } from "../_shared/safe_access.ts";
import { type PlainText, toPlainText } from "./_spellings.ts";

/** No longer than the shortest secret, so that no text grows by it. */
const REDACTED = "***";

/** Shorter ones are placeholders, as local servers are given them. */
const MIN_SECRET_LENGTH = 4;

/** The shortest beginning of a secret that is removed at the end of a text. */
const MIN_PART_LENGTH = 8;

/** Shorter secrets are looked for only as they are, not in base64 or hex. */
const MIN_ENCODED_LENGTH = 6;

/** Shorter secrets may be part of other words, so their case counts. */
const MIN_FOLDED_LENGTH = 8;

/** How deep an error object is kept, and how long its texts are. */
const MAX_DEPTH = 32;
const MAX_TEXT_LENGTH = 64 * 1024;

/** Removes secrets from what goes into errors. */
export class Redactor {
  /** Without white space, and in lower case where that does not matter. */
  readonly #needles: readonly Needle[];

  /** @param secrets What must not be shown. */
  constructor(secrets: Iterable<string>) {
    const unique = new Set(
      Array.from(secrets, (secret) => toPlainText(secret).text)
        .filter((secret) => secret.length >= MIN_SECRET_LENGTH),
    );
    this.#needles = [...unique].flatMap(needlesOf);
  }

  /**
   * Removes every secret from a text, however it is spelled there, and the
   * beginning of one at the end.
   */
  text(text: string): string {
    if (this.#needles.length === 0) return text;
    const ranges = this.#find(toPlainText(text));
    ranges.sort(([a], [b]) => a - b);
    let result = "";
    let done = 0;
    for (const [start, end] of ranges) {
      if (start >= done) result += text.slice(done, start) + REDACTED;
      done = Math.max(done, end);
    }
    return result + text.slice(done);
  }

  /** Removes every secret from the texts in parsed JSON, names included. */
  deep(value: unknown, depth = 0): unknown {
    if (typeof value === "string") {
      return this.text(value.slice(0, MAX_TEXT_LENGTH));
    }
    if (typeof value === "number") {
      const shown = this.text(String(value));
      return shown === String(value) ? value : shown;
    }
    if (typeof value !== "object" || value === null) return value;
    if (depth >= MAX_DEPTH) return "…";
    if (Array.isArray(value)) {
      return value.map((each) => this.deep(each, depth + 1));
    }
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [
        this.text(name),
        this.deep(each, depth + 1),
      ]),
    );
  }

  /**
   * Removes every secret from a body: from the text, and where it is JSON also
   * from what its strings amount to once they are parsed.
   */
  body(text: string): string {
    const plain = this.text(text);
    const value = parseJson(plain);
    try {
      const shown = JSON.stringify(this.deep(value));
      return shown === JSON.stringify(value) ? plain : shown;
    } catch {
      // It is nested too deep for `JSON.stringify`.
      return plain;
    }
  }

  #find(plain: PlainText): [start: number, end: number][] {
    const folded = toLowerCase(plain.text);
    const ranges: [number, number][] = [];
    for (const { text, ignoreCase, isBase64 } of this.#needles) {
      const haystack = ignoreCase ? folded : plain.text;
      const add = (at: number, length: number) =>
        ranges.push([plain.starts[at]!, plain.ends[at + length - 1]!]);
      let at = haystack.indexOf(text);
      for (; at >= 0; at = haystack.indexOf(text, at + text.length)) {
        if (isBase64) add(...withBorders(haystack, at, text.length));
        else add(at, text.length);
      }
      const part = partAtEnd(haystack, text);
      if (part) add(haystack.length - part, part);
    }
    return ranges;
  }
}

/** A text in lower case, without the few changes that would change its length. */
function toLowerCase(text: string): string {
  return text.replace(/\p{Lu}/gu, (char) => {
    const lower = char.toLowerCase();
    return lower.length === char.length ? lower : char;
  });
}

/** A text to remove. */
interface Needle {
  readonly text: string;
  readonly ignoreCase: boolean;
  /** The characters beside it have some bits of the secret. */
  readonly isBase64?: boolean;
}

function needlesOf(secret: string): Needle[] {
  const bytes = new TextEncoder().encode(secret);
  const asBytes = Array.from(bytes, (byte) => String.fromCharCode(byte))
    .join("");
  const ignoreCase = secret.length >= MIN_FOLDED_LENGTH;
  const plain = [secret, asBytes].map((text) => ({
    text: ignoreCase ? toLowerCase(text) : text,
    ignoreCase,
  }));
  if (bytes.length < MIN_ENCODED_LENGTH) return plain;
  return [
    ...plain,
    {
      // Each has two digits, because no character is invisible.
      text: Array.from(bytes, (byte) => byte.toString(16)).join(""),
      ignoreCase: true,
    },
    ...base64Cores(bytes),
  ];
}

/**
 * The base64 of a secret. It depends on how many bytes come before it, and its
 * first and last characters on what those are; these are left out.
 */
function base64Cores(bytes: Uint8Array): Needle[] {
  return [0, 1, 2].flatMap((before) => {
    const padded = new Uint8Array(before + bytes.length);
    padded.set(bytes, before);
    const start = before && before + 1;
    const end = Math.floor(padded.length * 8 / 6);
    const core = btoa(String.fromCharCode(...padded)).slice(start, end);
    const urlSafe = core.replaceAll("+", "-").replaceAll("/", "_");
    return [core, urlSafe].map((text) => ({
      text,
      ignoreCase: false,
      isBase64: true,
    }));
  });
}

/** A range in base64 with the character on either side, and the padding. */
function withBorders(
  text: string,
  at: number,
  length: number,
): [at: number, length: number] {
  const start = /[\w+/-]/.test(text.charAt(at - 1)) ? at - 1 : at;
  const end = at + length;
  const after = /^[\w+/-]?={0,2}/.exec(text.slice(end))![0].length;
  return [start, end + after - start];
}

/** An incomplete escape, and a few characters that may belong to one. */
const INCOMPLETE_ESCAPE = /(?:[\\%&=][#\w{]{0,8})+$/;

/** How long incomplete escapes may be in all, in characters. */
const MAX_INCOMPLETE_LENGTH = 64;

/**
 * The length of the beginning of a secret at the end of a text, including an
 * incomplete escape behind it.
 */
function partAtEnd(text: string, secret: string): number {
  const incomplete =
    INCOMPLETE_ESCAPE.exec(text.slice(-MAX_INCOMPLETE_LENGTH))?.[0].length ?? 0;
  const whole = text.slice(0, text.length - incomplete);
  for (let length = secret.length - 1; length >= MIN_PART_LENGTH; length--) {
    const part = secret.slice(0, length);
    if (text.endsWith(part)) return length;
    if (whole.endsWith(part)) return length + incomplete;
  }
  return 0;
}
