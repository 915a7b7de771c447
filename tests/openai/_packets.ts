// Bodies that arrive in given packets, without a network.

/** How a body ends after its packets. */
export type BodyEnd = "eof" | "break" | "hang";

/** A `fetch` whose response has a body of these packets. */
export function packetsFetch(
  packets: readonly Uint8Array[],
  { end = "eof", contentType = "text/event-stream" }: {
    end?: BodyEnd | undefined;
    contentType?: string | undefined;
  } = {},
): () => Promise<Response> {
  return () => {
    let at = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const packet = packets[at++];
        if (packet) controller.enqueue(packet);
        else if (end === "eof") controller.close();
        else if (end === "break") controller.error(new TypeError("reset"));
        else return new Promise(() => {});
      },
    }, { highWaterMark: 0 });
    const headers = { "content-type": contentType };
    return Promise.resolve(new Response(body, { headers }));
  };
}

/** Splits bytes at these offsets. */
export function splitAt(
  bytes: Uint8Array,
  offsets: readonly number[],
): Uint8Array[] {
  const edges = [0, ...offsets, bytes.length];
  return edges.slice(1).map((end, i) => bytes.subarray(edges[i], end))
    .filter((packet) => packet.length > 0);
}
