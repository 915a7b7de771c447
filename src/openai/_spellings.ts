// A text without its escapes. A server may quote a key in JSON, in a URL, in
// HTML, in a log line or in several of these at once, and the quote may be split
// over lines. So a secret is searched in what the text means, not in how it is
// spelled, and each character remembers where in the text it comes from.

/** A text as its meaning, with the place of each character in the original. */
export interface PlainText {
  readonly text: string;
  /** Where each character begins in the original. */
  readonly starts: readonly number[];
  /** Where each character ends in the original. */
  readonly ends: readonly number[];
}

/** How often escapes are removed: they may be nested. */
const MAX_ROUNDS = 5;

const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  sol: "/",
  plus: "+",
  equals: "=",
  lowbar: "_",
  hyphen: "-",
  dash: "-",
  period: ".",
  colon: ":",
};

const SIMPLE: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  b: "\b",
  f: "\f",
};

// JSON and JavaScript, URLs, HTML, and backslashes.
const ESCAPE =
  /\\u\{([0-9a-f]{1,6})\}|\\u([0-9a-f]{4})|\\x([0-9a-f]{2})|%u([0-9a-f]{4})|%([0-9a-f]{2})|&#x([0-9a-f]{1,6});?|&#(\d{1,7});?|&([a-z]{2,6});|\\([^ux0-9])|\\([0-7]{3})/gi;

/** White space, control and other invisible characters. */
const INVISIBLE = /[\s\p{C}]/u;

/** Removes the escapes and the white space of a text. */
export function toPlainText(original: string): PlainText {
  let plain: PlainText = {
    text: original,
    starts: Array.from({ length: original.length }, (_, at) => at),
    ends: Array.from({ length: original.length }, (_, at) => at + 1),
  };
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = removeEscapes(plain);
    if (next.text === plain.text) break;
    plain = next;
  }
  return removeInvisible(plain);
}

function removeEscapes(plain: PlainText): PlainText {
  const parts: string[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  const copy = (from: number, to: number) => {
    parts.push(plain.text.slice(from, to));
    for (let at = from; at < to; at++) {
      starts.push(plain.starts[at]!);
      ends.push(plain.ends[at]!);
    }
  };
  let done = 0;
  for (const match of plain.text.matchAll(ESCAPE)) {
    const meaning = meaningOf(match);
    if (meaning === undefined) continue;
    const end = match.index + match[0].length;
    copy(done, match.index);
    parts.push(meaning);
    for (let i = 0; i < meaning.length; i++) {
      starts.push(plain.starts[match.index]!);
      ends.push(plain.ends[end - 1]!);
    }
    done = end;
  }
  copy(done, plain.text.length);
  return { text: parts.join(""), starts, ends };
}

function meaningOf(match: RegExpMatchArray): string | undefined {
  const [, braced, unicode, hex, percentU, percent, html, decimal] = match;
  const [named, simple, octal] = match.slice(8);
  const code = braced ?? unicode ?? hex ?? percentU ?? percent ?? html;
  if (code !== undefined) return fromCode(parseInt(code, 16));
  if (decimal !== undefined) return fromCode(Number(decimal));
  if (octal !== undefined) return fromCode(parseInt(octal, 8));
  if (named !== undefined) return NAMED[named.toLowerCase()];
  return simple === undefined ? undefined : SIMPLE[simple] ?? simple;
}

function fromCode(code: number): string | undefined {
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}

function removeInvisible({ text, starts, ends }: PlainText): PlainText {
  // The lines of one event each begin with the name of the field.
  const visible = text.replace(
    /(^|\n|\r)(?:data|error|message): ?/g,
    (field) => " ".repeat(field.length),
  );
  const kept: number[] = [];
  for (let at = 0; at < visible.length; at++) {
    if (!INVISIBLE.test(visible[at]!)) kept.push(at);
  }
  return {
    text: kept.map((at) => visible[at]).join(""),
    starts: kept.map((at) => starts[at]!),
    ends: kept.map((at) => ends[at]!),
  };
}
