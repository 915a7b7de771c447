import { checkProcesses } from "../health/_processes.ts";
import { temporaryFolder } from "../_temporary_folder.ts";

Deno.test("kvHealth() lets four processes over one SQLite file skip together, send one probe, and come back (R21)", () =>
  checkProcesses(async () => {
    const folder = await temporaryFolder();
    return {
      place: { path: `${folder.path}/health.sqlite` },
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    };
  }));
