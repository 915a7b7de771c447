// Finds a browser on this machine.

const BROWSERS = ["chromium", "google-chrome"];

/** The path of a browser; `undefined`, and a line is printed, if there is none. */
export async function findBrowser(): Promise<string | undefined> {
  const isWindows = Deno.build.os === "windows";
  const folders = (Deno.env.get("PATH") ?? "").split(isWindows ? ";" : ":");
  for (const name of BROWSERS) {
    for (const folder of folders) {
      const path = `${folder}/${name}${isWindows ? ".exe" : ""}`;
      try {
        if ((await Deno.stat(path)).isFile) return path;
      } catch {
        // Not in this folder.
      }
    }
  }
  console.log(
    `No ${BROWSERS.join(" or ")}: tests in a browser are skipped`,
  );
  return undefined;
}
