// The main figures as a picture, written by hand. It brings its own background,
// so that it can be read wherever it is shown, and follows the reader's scheme.

import type { Row } from "./_figures.ts";
import type { Way } from "./_library.ts";
import { number } from "./_table.ts";

/** One part of the picture: a row of the table on a logarithmic scale. */
export interface Panel {
  readonly title: string;
  readonly row: Row;
}

const WIDTH = 860;
const MARGIN = 24;
const GAP = 36;
const HEAD = 64;
const LINE = 24;
const TITLE = 46;
/** Room for the names and for the numbers beside the dots. */
const NAMES = 136;
const NUMBERS = 68;

const STYLE = `
  svg { font: 13px system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif }
  .card { fill: #ffffff; stroke: #d0d7de }
  text { fill: #1f2328 }
  .dim { fill: #59636e }
  .head { font-size: 16px; font-weight: 600 }
  .title { font-weight: 600 }
  .end { text-anchor: end }
  .ours { font-weight: 600 }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  .value { paint-order: stroke; stroke: #ffffff; stroke-width: 5 }
  .stem { stroke: #afb8c1; stroke-width: 2 }
  .dot { fill: #6e7781 }
  .stem.ours { stroke: #1a7f37 }
  .dot.ours { fill: #1a7f37 }
  @media (prefers-color-scheme: dark) {
    .card { fill: #151b23; stroke: #3d444d }
    text { fill: #f0f6fc }
    .dim { fill: #9198a1 }
    .grid { stroke: #3d444d }
    .value { stroke: #151b23 }
    .stem { stroke: #59636e }
    .dot { fill: #9198a1 }
    .stem.ours { stroke: #3fb950 }
    .dot.ours { fill: #3fb950 }
  }
`;

/** Draws panels in two columns. */
export function chart(
  title: string,
  ways: readonly Way[],
  panels: readonly Panel[],
): string {
  const panelHeight = TITLE + ways.length * LINE + 24;
  const panelWidth = (WIDTH - 2 * MARGIN - GAP) / 2;
  const lines = Math.ceil(panels.length / 2);
  const height = HEAD + lines * panelHeight + (lines - 1) * 12 + MARGIN - 8;
  const drawn = panels.map((panel, i) => {
    const x = MARGIN + (i % 2) * (panelWidth + GAP);
    const y = HEAD + Math.floor(i / 2) * (panelHeight + 12);
    return `<g transform="translate(${x} ${y})">${
      draw(panel, ways, panelWidth)
    }</g>`;
  });
  const cells = panels.map(({ title, row }) => {
    const parts = ways.flatMap((way) => {
      const figure = row.figures.get(way);
      return figure === undefined ? [] : `${way.label} ${inUnit(row, figure)}`;
    });
    return `${title}: ${parts.join(", ")}.`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc">
<title id="title">${escape(title)}</title>
<desc id="desc">${escape(cells.join(" "))}</desc>
<style>${STYLE}</style>
<rect class="card" x="0.5" y="0.5" width="${WIDTH - 1}" height="${
    height - 1
  }" rx="8" />
<text class="head" x="${MARGIN}" y="34">${escape(title)}</text>
<text class="dim end" x="${
    WIDTH - MARGIN
  }" y="34">further left is better; logarithmic scales</text>
${drawn.join("\n")}
</svg>
`;
}

function inUnit({ digits, unit }: Row, figure: number): string {
  return number(figure, digits) + unit;
}

function draw(
  { title, row }: Panel,
  ways: readonly Way[],
  width: number,
): string {
  const room = width - NAMES - NUMBERS;
  const figures = [...row.figures.values()].map((figure) =>
    Math.max(figure, 1)
  );
  // From half of the smallest, so that its dot is clear of the names.
  const low = Math.log10(Math.min(...figures) / 2);
  const high = Math.log10(Math.max(...figures));
  const at = (figure: number) =>
    NAMES +
    (Math.log10(Math.max(figure, 1)) - low) / (high - low || 1) * room;
  const bottom = TITLE + ways.length * LINE;
  const grid: string[] = [];
  for (let power = Math.ceil(low); power <= high; power++) {
    const x = at(10 ** power).toFixed(1);
    grid.push(
      `<line class="grid" x1="${x}" x2="${x}" y1="${
        TITLE - 12
      }" y2="${bottom}" />`,
      `<text class="dim" text-anchor="middle" x="${x}" y="${bottom + 16}">${
        number(10 ** power, 0)
      }</text>`,
    );
  }
  const dots = ways.flatMap((way, i) => {
    const figure = row.figures.get(way);
    if (figure === undefined) return [];
    const y = TITLE + i * LINE;
    const ours = way.label.startsWith("ours") ? " ours" : "";
    const x = at(figure).toFixed(1);
    return [
      `<text class="end${ours}" x="${NAMES - 10}" y="${y + 4}">${
        escape(way.label)
      }</text>`,
      `<line class="stem${ours}" x1="${NAMES}" x2="${x}" y1="${y}" y2="${y}" />`,
      `<circle class="dot${ours}" cx="${x}" cy="${y}" r="5" />`,
      `<text class="value${ours}" x="${+x + 11}" y="${y + 4}">${
        inUnit(row, figure)
      }</text>`,
    ];
  });
  return [
    `<text class="title" x="0" y="14">${escape(title)}</text>`,
    ...grid,
    ...dots,
  ].join("\n");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
