// The package as users get it: exactly what `deno publish` uploads, here to a local
// server instead of JSR.

import { fileURLToPath, pathToFileURL } from "node:url";
import config from "../../deno.json" with { type: "json" };
import { type Files, readFiles } from "../../tools/_files.ts";
import { ensureFolder } from "../../tools/std_mirror/_ensure_folder.ts";
import { stdRegistry } from "../../tools/std_mirror/_std_packages.ts";
import { packageFiles } from "../../tools/std_mirror/_registry_files.ts";
import { runSuccessfully } from "../_run_command.ts";
import { temporaryFolder } from "../_temporary_folder.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A published package. Disposing of it removes the folder. */
export interface Published extends AsyncDisposable {
  /** Its files. */
  readonly files: Files;
  /** A folder for tests. It has the files in `published`. */
  readonly folder: string;
  /** The environment in which Deno uses the local registry and an empty cache. */
  readonly env: { readonly JSR_URL: string; readonly DENO_DIR: string };
}

/** Publishes the working tree to a local server. */
export async function publish(): Promise<Published> {
  await using stack = new AsyncDisposableStack();
  const { path: folder } = stack.use(await temporaryFolder());

  const DENO_DIR = `${folder}/deno`;
  const std = await stdRegistry();
  await upload(std, DENO_DIR, `${folder}/published.tgz`);
  await unpack(`${folder}/published.tgz`, `${folder}/published`);
  const files = await readFiles(pathToFileURL(`${folder}/published/`), "");
  const { name, version, exports } = config;
  const ours = await packageFiles(name, version, exports, files);
  const all = new Map([...std, ...ours]);
  const registry = await ensureFolder(all, `${folder}/registry`);

  const rest = stack.move();
  return {
    files,
    folder,
    env: { JSR_URL: `${pathToFileURL(registry)}/`, DENO_DIR },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

/** Lets Deno publish to a server that has std, and stores the upload. */
async function upload(
  std: Files,
  DENO_DIR: string,
  target: string,
): Promise<void> {
  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const file = std.get(pathname.slice(1));
    if (file !== undefined) return new Response(file);
    if (request.method === "POST") {
      await Deno.writeFile(target, request.body!);
      return Response.json({ id: "1", status: "success" });
    }
    return pathname.includes("/versions/")
      ? Response.json({ code: "packageVersionNotFound" }, { status: 404 })
      : Response.json({});
  };
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    answer,
  );
  await runSuccessfully(Deno.execPath(), [
    "publish",
    "--token=none",
    "--no-provenance",
    "--no-check", // `deno task check` does that.
    "--allow-dirty",
  ], {
    cwd: ROOT,
    env: { JSR_URL: `http://127.0.0.1:${server.addr.port}/`, DENO_DIR },
  });
}

/** Unpacks an archive, without its `depth` outer folders. */
export async function unpack(
  archive: string,
  folder: string,
  depth = 0,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const strip = `--strip-components=${depth}`;
  await runSuccessfully("tar", ["-xzf", archive, "-C", folder, strip]);
}
