// A `fetch` that runs one script, and tracks whether its connection was closed.

/** How a body ends: complete, with a lost connection, or not at all. */
export type Ending = "end" | "break" | "hang";

/** The response to a request. */
export interface Script {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly pieces?: readonly string[];
  readonly ending?: Ending;
  /** No response: the connection is refused, or the request hangs. */
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
        // One network packet per turn, as servers send them.
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
