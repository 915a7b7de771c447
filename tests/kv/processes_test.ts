import { checkProcesses } from "../health/_processes.ts";
import { temporaryFolder } from "../_temporary_folder.ts";

Deno.test("kvHealth() lets four processes over one SQLite file skip a model, send one probe, and use it again (R21)", () =>
  checkProcesses(async () => {
    const folder = await temporaryFolder();
    return {
      address: { path: `${folder.path}/health.sqlite` },
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    };
  }));
