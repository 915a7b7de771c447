import { assertRejects } from "@std/assert";
import { hexDigest } from "../../../tools/std_mirror/_digest.ts";
import { bytesOf } from "../../../tools/std_mirror/_ensure_folder.ts";
import { verify } from "../../../tools/std_mirror/_std_packages.ts";

const FILES = new Map([["mod.js", "export {};\n"], ["a.js", "export {};\n"]]);

Deno.test("verify() accepts the reviewed files and rejects a changed, added or missing one", async () => {
  const std = {
    folder: "made_up",
    version: "1.0.0",
    from: "1.2.3",
    sha512: await hexDigest("SHA-512", bytesOf(FILES)),
  };
  await verify(std, FILES);
  for (
    const files of [
      new Map([...FILES, ["a.js", "export { };\n"]]),
      new Map([...FILES, ["b.js", ""]]),
      new Map([...FILES].slice(1)),
    ]
  ) {
    await assertRejects(
      () => verify(std, files),
      Error,
      "Cannot use 'made_up' of npm:deno-std@1.2.3 as its files are not those that were reviewed",
    );
  }
});
