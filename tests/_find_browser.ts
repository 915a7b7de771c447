// The browser of this machine, for what only a browser can show.

const BROWSERS = ["chromium", "google-chrome"];

/** Where a browser is; a line says so if there is none. */
export async function findBrowser(): Promise<string | undefined> {
  const isWindows = Deno.build.os === "windows";
  const folders = (Deno.env.get("PATH") ?? "").split(isWindows ? ";" : ":");
  for (const name of BROWSERS) {
    for (const folder of folders) {
      const path = `${folder}/${name}${isWindows ? ".exe" : ""}`;
      try {
        if ((await Deno.stat(path)).isFile) return path;
      } catch {
        // Not here.
      }
    }
  }
  console.log(
    `Without ${BROWSERS.join(" or ")} nothing is tested in a browser.`,
  );
  return undefined;
}
