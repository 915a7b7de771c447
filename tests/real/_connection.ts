// A `fetch` that plays one script, and knows whether its connection was closed.

/** How a body ends: as it should, by a broken connection, or not at all. */
export type Ending = "end" | "break" | "hang";

/** What one request gets. */
export interface Script {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly pieces?: readonly string[];
  readonly ending?: Ending;
  /** No response: the request is refused, or never answered. */
  readonly connect?: "refuse" | "hang";
}

/** The connections of one model. */
export class Connection {
  requests = 0;
  open = 0;
  readonly #script: Script;

  constructor(script: Script) {
    this.#script = script;
  }

  readonly fetch = async (
    input: string | URL | Request,
    init: RequestInit = {},
  ): Promise<Response> => {
    const signal = init.signal ??
      (input instanceof Request ? input.signal : undefined);
    const { connect, status = 200, headers, pieces = [], ending = "end" } =
      this.#script;
    this.requests++;
    if (connect === "refuse") throw new TypeError("fetch failed");
    this.open++;
    let isOpen = true;
    const close = () => {
      if (isOpen) this.open--;
      isOpen = false;
    };
    signal?.addEventListener("abort", close);
    if (signal?.aborted) close();
    if (connect === "hang") {
      return await new Promise((_, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
      });
    }
    const encoder = new TextEncoder();
    let next = 0;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        signal?.addEventListener("abort", () => {
          try {
            controller.error(signal.reason);
          } catch {
            // The body has ended.
          }
        });
      },
      async pull(controller) {
        // One network packet a turn, as a server would send them.
        await new Promise((resolve) => setTimeout(resolve, 0));
        if (!isOpen) return;
        if (next < pieces.length) {
          return controller.enqueue(encoder.encode(pieces[next++]));
        }
        if (ending === "hang") return await new Promise(() => {});
        close();
        if (ending === "break") {
          return controller.error(new TypeError("connection reset"));
        }
        controller.close();
      },
      cancel: close,
    }, { highWaterMark: 0 });
    return new Response(body, { status, headers: headers ?? {} });
  };
}
