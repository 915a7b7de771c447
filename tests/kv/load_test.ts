import { checkLoad } from "../health/_load.ts";
import { temporaryFolder } from "../_temporary_folder.ts";

Deno.test("kvHealth() counts each report of four processes over one SQLite file once (R21)", async () => {
  await using folder = await temporaryFolder();
  await checkLoad({ path: `${folder.path}/health.sqlite` });
});
