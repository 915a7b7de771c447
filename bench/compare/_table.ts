// The results as tables in Markdown.

import { table } from "../_table.ts";
import type { Row } from "./_figures.ts";
import type { Library, Way } from "./_library.ts";
import type { Situation } from "./_situations.ts";

/** The result of each way. A way that does not support the situation is left out. */
export type Seen = ReadonlyMap<Way, string>;

/** The results of a library's ways, without repetitions. */
function seenOf({ ways }: Library, seen: Seen): string[] {
  return [...new Set(ways.flatMap((way) => seen.get(way) ?? []))];
}

/** One mark, or one for each way where they differ. */
function marksOf(seen: readonly string[], expected: string): string {
  const marks = seen.map((it) => it === expected ? "✓" : "✗");
  return [...new Set(marks)].join(" / ") || "–";
}

/** Which situations each library handles correctly, and its result if not. */
export function situationsReport(
  libraries: readonly Library[],
  results: ReadonlyMap<Situation, Seen>,
): string {
  const hasExpected = ([{ expected }]: [Situation, Seen]) =>
    expected !== undefined;
  const checked = [...results].filter(hasExpected);
  const others = [...results].filter((result) => !hasExpected(result));
  const names = libraries.map(({ name }) => name);
  return [
    table([
      ["situation", ...names],
      ...checked.map(([{ name, expected }, seen]) => [
        name,
        ...libraries.map((library) =>
          marksOf(seenOf(library, seen), expected!)
        ),
      ]),
    ]),
    "What each ✗ stands for:",
    checked.flatMap(([{ name, expected }, seen]) => {
      const wrong = libraries.flatMap((library) => {
        const bad = seenOf(library, seen).filter((it) => it !== expected);
        return bad.length > 0 ? [`${library.name}: ${bad.join(" / ")}`] : [];
      });
      return wrong.length > 0
        ? [`- **${name}** (expected: ${expected}). ${wrong.join("; ")}.`]
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

/** Formats a number; from 100 on, without a fraction. */
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
    ["cost", ...libraries.map(({ name }) => name)],
    ...rows.map((row) => [
      row.name,
      ...libraries.map((library) => figuresOf(library, row)),
    ]),
  ]);
}

function figuresOf({ ways }: Library, row: Row): string {
  const { unit, digits, figures, relative } = row;
  const [first] = figures.values();
  const cells = ways.flatMap((way) => {
    const figure = figures.get(way);
    if (figure === undefined) return [];
    const cell = `${number(figure, digits)}${unit}`;
    return relative && figure !== first
      ? `${cell} (${number(figure / first!, 1)} ×)`
      : cell;
  });
  return cells.join(" / ") || "–";
}
