import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { pathToFileURL } from "node:url";
import { readFiles } from "../../../tools/_files.ts";
import {
  ensureFolder,
  hashOf,
} from "../../../tools/std_mirror/_ensure_folder.ts";
import { temporaryFolder } from "../../_temporary_folder.ts";

const FILES = new Map([["a.txt", "A"], ["deep/er/b.txt", "B"]]);

async function namesIn(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name).sort();
}

Deno.test("the same files have the same hash in any order", async () => {
  const reversed = new Map([...FILES].reverse());
  assertEquals(await hashOf(reversed), await hashOf(FILES));
});

Deno.test("another text, or another path, is another hash", async () => {
  const text = new Map([...FILES, ["a.txt", "other"]]);
  const path = new Map([["b.txt", "A"], ["deep/er/b.txt", "B"]]);
  assertNotEquals(await hashOf(text), await hashOf(FILES));
  assertNotEquals(await hashOf(path), await hashOf(FILES));
});

Deno.test("a folder holds exactly the files, below a name with their hash", async () => {
  await using temporary = await temporaryFolder();
  const dir = temporary.path;
  const folder = await ensureFolder(FILES, `${dir}/made/up`);
  assertMatch(folder, /made\/up-[0-9a-f]{16}$/);
  const read = await readFiles(pathToFileURL(`${folder}/`), ".txt");
  assertEquals(new Map([...read].sort()), FILES);
});

Deno.test("a folder that is there is used again, untouched", async () => {
  await using temporary = await temporaryFolder();
  const dir = temporary.path;
  const folder = await ensureFolder(FILES, `${dir}/up`);
  await Deno.writeTextFile(`${folder}/a.txt`, "touched");
  assertEquals(await ensureFolder(FILES, `${dir}/up`), folder);
  assertEquals(await Deno.readTextFile(`${folder}/a.txt`), "touched");
});

Deno.test("many may make a folder at once, and leave nothing else behind", async () => {
  await using temporary = await temporaryFolder();
  const dir = temporary.path;
  const made = await Promise.all(
    Array.from({ length: 8 }, () => ensureFolder(FILES, `${dir}/up`)),
  );
  assertEquals(new Set(made).size, 1);
  assertEquals((await namesIn(dir)).length, 1);
});

Deno.test("a draft that somebody left half-written does no harm", async () => {
  await using temporary = await temporaryFolder();
  const dir = temporary.path;
  await Deno.mkdir(`${dir}/up-draft-0/deep`, { recursive: true });
  const folder = await ensureFolder(FILES, `${dir}/up`);
  assertEquals(await namesIn(folder), ["a.txt", "deep"]);
});

Deno.test("nothing is found in a folder that is not there", async () => {
  const nowhere = new URL("./not_there/", import.meta.url);
  assertEquals(await readFiles(nowhere, ".ts"), new Map());
});
