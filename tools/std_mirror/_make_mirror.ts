// `_make_mirror.ts FOLDER`: makes the mirror in a folder, unless it is there, and
// prints its path.

import { ensureFolder } from "./_ensure_folder.ts";
import { stdRegistry } from "./_std_packages.ts";

console.log(await ensureFolder(await stdRegistry(), `${Deno.args[0]}/std`));
