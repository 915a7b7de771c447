import { assertEquals } from "@std/assert";
import { pathToFileURL } from "node:url";
import { type Control, mutate } from "../controls/control.ts";
import {
  type Files,
  load,
  loadChanged,
  readModules,
} from "../controls/modules.ts";
import { faults } from "./faults.ts";
import { violation } from "./judge.ts";
import type { Subject } from "./subject.ts";

const ROOT = new URL("../../", import.meta.url);
const ENTRIES = ["src/health/memory_health.ts", "src/health/kv_health.ts"];
const FILES = [...ENTRIES, "src/health/_circuit.ts", "src/health/options.ts"];

async function readAll(): Promise<Files> {
  const files = new Map(await readModules());
  for (const path of FILES) {
    files.set(path, await Deno.readTextFile(new URL(path, ROOT)));
  }
  return files;
}

/** The stores of a copy, of which some files may be as they are in another version. */
async function stores(folder: URL, query: (path: string) => string) {
  const modules = await Promise.all(
    ENTRIES.map((path) => import(new URL(path + query(path), folder).href)),
  );
  return Object.assign({}, ...modules) as Subject;
}

/** What is wrong with the judge or with the control, if anything. */
async function problemOf(
  control: Control,
  files: Files,
  folder: URL,
  version: number,
): Promise<string | undefined> {
  try {
    const { mutant, changed } = mutate(files, control);
    await loadChanged(mutant, folder, changed, version);
    const isReached = (path: string) =>
      changed.includes(path) || !changed.some((file) => ENTRIES.includes(file));
    const copy = await stores(
      folder,
      (path) => isReached(path) ? `?${version}` : "",
    );
    return await violation(copy) === undefined ? "survives" : undefined;
  } catch (error) {
    return `cannot be judged: ${error}`;
  }
}

Deno.test("R21 every fault of a store is noticed, and where there is none, none is", async () => {
  const files = await readAll();
  const path = await Deno.makeTempDir();
  const problems: string[] = [];
  try {
    const folder = pathToFileURL(`${path}/`);
    await load(files, folder);
    const accused = await violation(await stores(folder, () => ""));
    if (accused !== undefined) problems.push(`nothing is wrong: ${accused}`);
    for (const [index, control] of faults.entries()) {
      const problem = await problemOf(control, files, folder, index + 1);
      if (problem !== undefined) problems.push(`"${control.name}" ${problem}`);
    }
  } finally {
    await Deno.remove(path, { recursive: true });
  }
  assertEquals(problems, []);
});
