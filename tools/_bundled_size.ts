/**
 * The size of a module in a bundle.
 *
 * @module
 */

/**
 * Bundles a module with all that it imports, minified, and compresses that.
 *
 * @param entry Its path within the project, or its address.
 * @returns How many bytes gzip makes of it.
 */
export async function bundledSize(entry: string): Promise<number> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--minify", entry],
    cwd: new URL("../", import.meta.url),
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const zipped = new Blob([stdout]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  return (await new Response(zipped).bytes()).length;
}
