// The text of a body that may be too long, stall or break. What has arrived is
// worth more than the reason why the rest has not.

/**
 * Reads a body as text until it ends, breaks, or reaches a limit, and closes
 * it.
 *
 * @param body What to read.
 * @param maxBytes How many bytes to keep.
 * @param ms How long to wait, in milliseconds.
 * @returns What has arrived.
 */
export async function readText(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  ms: number,
): Promise<string> {
  if (body === null) return "";
  const reader = body.getReader();
  const decoder = new TextDecoder();
  // What canceling throws does not change the text.
  const close = () => reader.cancel().catch(() => {});
  const timer = setTimeout(close, ms);
  let text = "";
  try {
    for (let room = maxBytes; room > 0;) {
      const { value, done } = await reader.read();
      if (done) break;
      text += decoder.decode(value.subarray(0, room), { stream: true });
      room -= value.byteLength;
    }
  } catch {
    // The connection broke, or the attempt was aborted.
  } finally {
    clearTimeout(timer);
    await close();
  }
  return text;
}
