// Without an access key only this machine may call, and no page of another site:
// a web page can reach a server on its visitor's machine.

type Handler = (request: Request) => Promise<Response>;

function isLoopback(hostname: string | undefined): boolean {
  const name = hostname?.toLowerCase().replace(/^\[|\]$/g, "");
  return name === "localhost" || name === "::1" ||
    /^127(\.\d{1,3}){3}$/.test(name ?? "");
}

/** Refuses requests from, or for, another machine, and from other pages. */
export function localOnly(handler: Handler) {
  return async (
    request: Request,
    info?: { readonly remoteAddr?: { readonly hostname?: string } },
  ): Promise<Response> => {
    const host = URL.parse(`http://${request.headers.get("host") ?? ""}`);
    const origin = request.headers.get("origin");
    const isForeign = origin !== null && URL.parse(origin)?.host !== host?.host;
    const isLocal = isLoopback(info?.remoteAddr?.hostname) &&
      isLoopback(host?.hostname) && !isForeign;
    if (isLocal) return await handler(request);
    const message =
      "with real providers this server needs ACCESS_KEYS to answer other machines";
    return Response.json({ error: { message } }, { status: 403 });
  };
}
