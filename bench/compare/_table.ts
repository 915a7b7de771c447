// The results as tables in Markdown.

import { table } from "../_table.ts";
import type { Row } from "./_figures.ts";
import type { Library, Way } from "./_library.ts";
import type { Situation } from "./_situations.ts";

/** What was seen of each way; one that has no means for it is left out. */
export type Seen = ReadonlyMap<Way, string>;

/** What the ways of a library did, without repetitions. */
function seenOf({ ways }: Library, seen: Seen): string[] {
  return [...new Set(ways.flatMap((way) => seen.get(way) ?? []))];
}

/** One mark, or one for each way where they differ. */
function marksOf(seen: readonly string[], good: string): string {
  const marks = seen.map((it) => it === good ? "✓" : "✗");
  return [...new Set(marks)].join(" / ") || "–";
}

/** Which situations each library handles as it should, and what it did if not. */
export function situationsReport(
  libraries: readonly Library[],
  results: ReadonlyMap<Situation, Seen>,
): string {
  const isJudged = ([{ good }]: [Situation, Seen]) => good !== undefined;
  const judged = [...results].filter(isJudged);
  const others = [...results].filter((result) => !isJudged(result));
  const names = libraries.map(({ name }) => name);
  return [
    table([
      ["situation", ...names],
      ...judged.map(([{ name, good }, seen]) => [
        name,
        ...libraries.map((library) => marksOf(seenOf(library, seen), good!)),
      ]),
    ]),
    "What each ✗ stands for:",
    judged.flatMap(([{ name, good }, seen]) => {
      const wrong = libraries.flatMap((library) => {
        const bad = seenOf(library, seen).filter((it) => it !== good);
        return bad.length > 0 ? [`${library.name}: ${bad.join(" / ")}`] : [];
      });
      return wrong.length > 0
        ? [`- **${name}** (expected: ${good}). ${wrong.join("; ")}.`]
        : [];
    }).join("\n"),
    "Where no answer is the right one:",
    table([
      ["situation", ...names],
      ...others.map(([{ name }, seen]) => [
        name,
        ...libraries.map((library) => seenOf(library, seen).join(" / ") || "–"),
      ]),
    ]),
  ].join("\n\n");
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
