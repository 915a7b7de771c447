// `Deno.serve` without a network.

import { stub } from "@std/testing/mock";

type Call = [
  options: Deno.ServeTcpOptions,
  handler: (request: Request) => Promise<Response>,
];

/**
 * Replaces `Deno.serve` until it is disposed of: servers listen at once, at the
 * place that they were given.
 *
 * @param finished What `finished` of a server is.
 * @returns The arguments of each call.
 */
export function stubServe(
  finished: (signal: AbortSignal | undefined) => Promise<void>,
): Disposable & { readonly calls: readonly Call[] } {
  const calls: Call[] = [];
  const serve = (...call: Call) => {
    calls.push(call);
    const [{ hostname = "", port = 0, onListen, signal }] = call;
    onListen?.({ transport: "tcp", hostname, port });
    return { finished: finished(signal) };
  };
  const stubbed = stub(Deno, "serve", serve as unknown as typeof Deno.serve);
  return { calls, [Symbol.dispose]: () => stubbed.restore() };
}
