// How far a long run is.

/** One line at a terminal, written over and over; nothing in a pipe. */
export function showProgress(text: string): void {
  if (!Deno.stderr.isTerminal()) return;
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[2K${text}`));
}
