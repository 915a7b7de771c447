/**
 * The packages of the standard library that we serve: which version of the npm
 * package `deno-std` has them, and the pinned checksum of their files there.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { type Files, readFiles } from "../_files.ts";
import { hexDigest } from "./_digest.ts";
import { bytesOf } from "./_ensure_folder.ts";
import { type PackageName, registryFiles, serve } from "./_registry_files.ts";

/** A package to serve. */
interface StdPackage extends PackageName {
  /** The version of `deno-std` that has it. */
  readonly from: string;
  /** The SHA-512 sum of its JavaScript there, paths included. */
  readonly sha512: string;
}

/** `testing`, and `fs` that it needs, were left out of `deno-std` 1.4.0. */
const STD_PACKAGES: readonly StdPackage[] = [
  {
    folder: "assert",
    version: "1.0.19",
    from: "1.4.0",
    sha512:
      "eff4e8abcb8c5dccb7a3dd5113435c98c2d57c4c100d9e90f212fe5babe3d98d685104a24641dec734a7621007a51c2d7c2774e0a00a3ad588f756a1eb23c610",
  },
  {
    folder: "async",
    version: "1.5.0",
    from: "1.4.0",
    sha512:
      "704901c764e898f0f0d1f7cfbd41d2bd16c9e2cdce32be4b551fc129b796b43a46a61ad2a6861f33082ded89ab7c01fab8ac1c3e466cffe47a05054a3f04f92e",
  },
  {
    folder: "bytes",
    version: "1.0.6",
    from: "1.4.0",
    sha512:
      "8758b06a0bed05ffea9fe52d01076df59a55a73cc7881c7ac80f20921271f782a9cc7fdb27a82c8bd84179dea567220f8c67d49e1a0640f5169dd7a1670c1cd1",
  },
  {
    folder: "data_structures",
    version: "1.1.0",
    from: "1.4.0",
    sha512:
      "93e6aa3846919a9e20c047a8cdd3b8f3d9bc58f99e3a616a1c471b6e47253c978b89fc06f3eabbb07f77f6efa2222201ebace4abfae4e276604d9b22abf60d34",
  },
  {
    folder: "internal",
    version: "1.0.13",
    from: "1.4.0",
    sha512:
      "27f3c3890fae627b52749f609ca3b89d83f2a2ac6fa5296cc9f63ef72016ca6e1b62b6e9ba23b8f1c7b2de3e7af745657ca3c5c0aca82fd89f16d6ab8326c45a",
  },
  {
    folder: "path",
    version: "1.1.6",
    from: "1.4.0",
    sha512:
      "5226dd56f810ca7c05e619d193a2d6270969e857891ed6f941304f937cdd026e1e4bb20fb51eb232a9832fdae7c844556a1f5ac1b84dff042fea089baa005e20",
  },
  {
    folder: "streams",
    version: "1.1.2",
    from: "1.4.0",
    sha512:
      "a5a38d3d06dd8d9e8e609b0920840f24fd690d8e66cfcae136dcfe7337d2cc4746d83d745fba0b04e8729f948a1322b84c763f3bf41382946e225577884435f4",
  },
  {
    folder: "fs",
    version: "1.0.19",
    from: "1.3.1",
    sha512:
      "184980cd4d64764ac782ce4e81ec7412d45b620bdee3c5ed95c9c92ab4410f93c8bf3fef9c374eacf396fec56df8b7553d686cbc348838118a7f000486c3960e",
  },
  {
    folder: "testing",
    version: "1.0.16",
    from: "1.3.1",
    sha512:
      "41c6b25445c54eebd3a602f653552b19571ce009a2905c398959ab3e7d3f54f178e49e5e33ac6ea1b4002ffa4c9bfe63b012bb91ae6701ed4d1ca9d91923051a",
  },
];

/** Our declarations, a folder for each package. */
export const DECLARATIONS: URL = new URL("./types/", import.meta.url);

/** Where Deno keeps the files of a version of `deno-std`, fetched if need be. */
async function locate(version: string): Promise<URL> {
  const script = new URL("./_locate_package.ts", import.meta.url);
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", fileURLToPath(script), version],
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Cannot fetch deno-std@${version} from npm`);
  return new URL(new TextDecoder().decode(stdout).trim());
}

/**
 * Checks the files of a package against the pinned sum.
 *
 * @throws {Error} If they are not the files that were reviewed.
 */
export async function verify(
  { folder, from, sha512 }: StdPackage,
  sources: Files,
): Promise<void> {
  const actual = await hexDigest("SHA-512", bytesOf(sources));
  if (actual === sha512) return;
  throw new Error(
    `Cannot use '${folder}' of npm:deno-std@${from} as its files are not those that were reviewed: their SHA-512 is ${actual}, not ${sha512}`,
  );
}

/** A whole registry that holds the standard library, as files. */
export async function stdRegistry(): Promise<Files> {
  const versions = [...new Set(STD_PACKAGES.map(({ from }) => from))];
  const roots = new Map(
    await Promise.all(
      versions.map(async (version) =>
        [version, await locate(version)] as const
      ),
    ),
  );
  const parts = await Promise.all(STD_PACKAGES.map(async (std) => {
    const folder = `${std.folder}/`;
    const sources = await readFiles(
      new URL(folder, roots.get(std.from)),
      ".js",
    );
    await verify(std, sources);
    const types = await readFiles(new URL(folder, DECLARATIONS), ".d.ts");
    return registryFiles(std, serve(std.folder, sources, types));
  }));
  return new Map(parts.flatMap((part) => [...part]));
}
