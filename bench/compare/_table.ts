// The results as tables in Markdown.

import { table } from "../_table.ts";
import type { Row } from "./_figures.ts";
import type { Library, Way } from "./_library.ts";
import type { Situation } from "./_situations.ts";

/** What was seen of each way; one that has no means for it is left out. */
export type Seen = ReadonlyMap<Way, string>;

/** What a library did: its ways, where they differ. */
export function cellOf(
  { ways }: Library,
  { good }: Situation,
  seen: Seen,
): string {
  const words = ways.flatMap((way) => seen.get(way) ?? []);
  const marked = [...new Set(words)].map((word) =>
    word === good ? `✓ ${word}` : word
  );
  return marked.join(" / ") || "–";
}

export function situationsTable(
  libraries: readonly Library[],
  results: ReadonlyMap<Situation, Seen>,
): string {
  return table([
    ["what happens", ...libraries.map(({ name }) => name)],
    ...[...results].map(([situation, seen]) => [
      situation.name,
      ...libraries.map((library) => cellOf(library, situation, seen)),
    ]),
  ]);
}

/** A number with as many digits as it deserves. */
export function number(value: number, digits: number): string {
  const fractionDigits = value < 100 ? digits : 0;
  return Math.max(0, value).toLocaleString("en", {
    minimumFractionDigits: fractionDigits,
    maximumFractionDigits: fractionDigits,
  });
}

export function figuresTable(
  libraries: readonly Library[],
  rows: readonly Row[],
): string {
  return table([
    ["what it costs", ...libraries.map(({ name }) => name)],
    ...rows.map((row) => [
      row.name,
      ...libraries.map((library) => figuresOf(library, row)),
    ]),
  ]);
}

function figuresOf({ ways }: Library, row: Row): string {
  const { unit, digits, figures, relative } = row;
  const [first] = figures.values();
  const words = ways.flatMap((way) => {
    const figure = figures.get(way);
    if (figure === undefined) return [];
    const word = `${number(figure, digits)}${unit}`;
    return relative && figure !== first
      ? `${word} (${number(figure / first!, 1)} ×)`
      : word;
  });
  return words.join(" / ") || "–";
}
