import {
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
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

Deno.test("hashOf() ignores the order of files", async () => {
  const reversed = new Map([...FILES].reverse());
  assertEquals(await hashOf(reversed), await hashOf(FILES));
});

Deno.test("hashOf() differs for other texts and other paths", async () => {
  const text = new Map([...FILES, ["a.txt", "other"]]);
  const path = new Map([["b.txt", "A"], ["deep/er/b.txt", "B"]]);
  assertNotEquals(await hashOf(text), await hashOf(FILES));
  assertNotEquals(await hashOf(path), await hashOf(FILES));
});

Deno.test("ensureFolder() writes exactly the files, into a folder named by their hash", async () => {
  await using temporary = await temporaryFolder();
  const dir = temporary.path;
  const folder = await ensureFolder(FILES, `${dir}/made/up`);
  assertMatch(folder, /made\/up-[0-9a-f]{16}$/);
  const read = await readFiles(pathToFileURL(`${folder}/`), ".txt");
  assertEquals(new Map([...read].sort()), FILES);
});

Deno.test("ensureFolder() uses a folder that exists, and throws if its files were changed", async () => {
  await using temporary = await temporaryFolder();
  const name = `${temporary.path}/up`;
  const folder = await ensureFolder(FILES, name);
  assertEquals(await ensureFolder(FILES, name), folder);
  for (const [path, text] of [["a.txt", "changed"], ["c.txt", "added"]]) {
    await Deno.writeTextFile(`${folder}/${path}`, text!);
    const { message } = await assertRejects(
      () => ensureFolder(FILES, name),
      Error,
    );
    assertEquals(
      message,
      `The files in ${folder} were changed: remove this folder`,
    );
    await Deno.remove(folder, { recursive: true });
    await ensureFolder(FILES, name);
  }
});

Deno.test("ensureFolder() may run several times at once, and leaves no draft", async () => {
  await using temporary = await temporaryFolder();
  const dir = temporary.path;
  const made = await Promise.all(
    Array.from({ length: 8 }, () => ensureFolder(FILES, `${dir}/up`)),
  );
  assertEquals(new Set(made).size, 1);
  assertEquals((await namesIn(dir)).length, 1);
});

Deno.test("ensureFolder() ignores an incomplete draft", async () => {
  await using temporary = await temporaryFolder();
  const dir = temporary.path;
  await Deno.mkdir(`${dir}/up-draft-0/deep`, { recursive: true });
  const folder = await ensureFolder(FILES, `${dir}/up`);
  assertEquals(await namesIn(folder), ["a.txt", "deep"]);
});

Deno.test("readFiles() returns nothing for a folder that does not exist", async () => {
  const nowhere = new URL("./not_there/", import.meta.url);
  assertEquals(await readFiles(nowhere, ".ts"), new Map());
});
