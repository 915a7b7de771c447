/**
 * `deno task real`: runs real SDKs against every kind of failure, without a network.
 * `--latest` also runs the newest versions and prints the differences. `--json` prints
 * the cells.
 *
 * @module
 */

import {
  type Cell,
  type Client,
  runCell,
  runStopped,
  WAYS_TO_STOP,
} from "./_cell.ts";
import { byChunks, byParts, LANGUAGE_MODELS } from "./_language_models.ts";
import { loader } from "./_packages.ts";
import { SDK_CLIENTS } from "./_sdk_clients.ts";
import { SITUATIONS } from "./_situations.ts";
import { isKnown } from "./known.ts";

const isLatest = Deno.args.includes("--versions=latest");

/** The clients of the matrix. */
export const CLIENTS: readonly Client[] = [
  ...LANGUAGE_MODELS.map(({ name, wire, make }): Client => ({
    name,
    wire,
    make: async (load, fetch, model, seen) =>
      byParts(await make(load, fetch), model, seen),
  })),
  ...LANGUAGE_MODELS.map(({ name, wire, make }): Client => ({
    name: `chatModel(${name})`,
    wire,
    make: async (load, fetch, model) =>
      byChunks(await make(load, fetch), model),
  })),
  ...SDK_CLIENTS,
];

/** Runs the whole matrix, one client at a time. */
export async function runMatrix(): Promise<Cell[]> {
  const load = loader(isLatest);
  const only = Deno.args.find((arg) => arg.startsWith("--only="))?.slice(7);
  const cells: Cell[] = [];
  for (const client of CLIENTS) {
    if (only && !client.name.includes(only)) continue;
    cells.push(
      ...await Promise.all([
        ...SITUATIONS.map((situation) => runCell(load, client, situation)),
        ...WAYS_TO_STOP.map((way) => runStopped(load, client, way)),
      ]),
    );
  }
  return cells;
}

function print(cells: readonly Cell[]): void {
  for (const name of new Set(cells.map(({ client }) => client))) {
    console.log(`\n${name}`);
    for (const cell of cells) {
      if (cell.client !== name) continue;
      const { situation, outcome, health, faults } = cell;
      const mark = faults.length === 0
        ? "ok"
        : isKnown(cell)
        ? "known"
        : "FAULT";
      console.log(
        `  ${mark.padEnd(5)} ${situation.padEnd(30)} ${outcome} [${health}]`,
      );
      for (const fault of faults) console.log(`        ${fault}`);
    }
  }
}

/** Runs this program with the newest versions, and returns its cells. */
async function runLatest(): Promise<Cell[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "--reload=npm:",
      import.meta.filename!,
      "--json",
      "--versions=latest",
    ],
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout).split("\n").at(-2)!);
}

function printChanges(before: readonly Cell[], after: readonly Cell[]): void {
  let changes = 0;
  for (const cell of after) {
    const old = before.find(({ client, situation }) =>
      client === cell.client && situation === cell.situation
    );
    if (JSON.stringify(old) === JSON.stringify(cell)) continue;
    changes++;
    console.log(`${cell.client}, ${cell.situation}:`);
    console.log(
      `  pinned: ${old?.outcome} [${old?.health}] ${old?.parts} ${old?.faults}`,
    );
    console.log(
      `  newest: ${cell.outcome} [${cell.health}] ${cell.parts} ${cell.faults}`,
    );
  }
  console.log(`\n${changes} cells differ with the newest versions`);
}

if (import.meta.main) {
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });
  // Unhandled rejections of the SDKs are not tested here.
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    console.error(`unhandled rejection: ${event.reason}`);
  });
  const cells = await runMatrix();
  if (Deno.args.includes("--json")) {
    console.log(JSON.stringify(cells));
    Deno.exit(0);
  }
  print(cells);
  const faulty = cells.filter(({ faults }) => faults.length > 0);
  const unknown = faulty.filter((cell) => !isKnown(cell));
  console.log(
    `\n${cells.length} cells: ${cells.length - faulty.length} as expected, ` +
      `${faulty.length - unknown.length} known, ${unknown.length} faults`,
  );
  if (Deno.args.includes("--latest")) printChanges(cells, await runLatest());
  const passed = cells.length - unknown.length;
  console.log(`${passed} passed, ${unknown.length} failed`);
  Deno.exit(unknown.length > 0 ? 1 : 0);
}
