/**
 * Text files as a map: what the tools read, work on and write.
 *
 * @module
 */

/** File contents by path, with `/` between folders and none at the start. */
export type Files = Map<string, string>;

/**
 * Reads the files below a folder whose names end as given.
 *
 * @param folder Where to look. Nothing is found in a folder that is not there.
 * @param ending What their names end with.
 */
export async function readFiles(folder: URL, ending: string): Promise<Files> {
  const files: Files = new Map();
  for (const entry of await entriesOf(folder)) {
    const here = new URL(
      entry.isDirectory ? `${entry.name}/` : entry.name,
      folder,
    );
    if (entry.isDirectory) {
      for (const [path, text] of await readFiles(here, ending)) {
        files.set(`${entry.name}/${path}`, text);
      }
    } else if (entry.name.endsWith(ending)) {
      files.set(entry.name, await Deno.readTextFile(here));
    }
  }
  return files;
}

/** Writes files into a folder, which need not be there. */
export async function writeFiles(files: Files, folder: string): Promise<void> {
  for (const [path, text] of files) {
    const target = `${folder}/${path}`;
    await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), {
      recursive: true,
    });
    await Deno.writeTextFile(target, text);
  }
}

async function entriesOf(folder: URL): Promise<Deno.DirEntry[]> {
  try {
    return await Array.fromAsync(Deno.readDir(folder));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
