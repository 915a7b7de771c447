// Without access keys, only programs on this machine may use the gateway, and no
// web page: a page can reach a server on its visitor's machine.

/** Whether a host name means this machine only. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/^\[|\]$/g, "");
  return name === "localhost" || name.endsWith(".localhost") ||
    name === "::1" || /^127(\.\d{1,3}){3}$/.test(name);
}

/** Refuses requests for another host, and those of pages from elsewhere. */
export function loopbackOnly(
  handler: (request: Request) => Promise<Response>,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const origin = request.headers.get("origin");
    const own = URL.parse(`http://${request.headers.get("host")}`);
    const isForeign = origin !== null &&
      URL.parse(origin)?.host !== own?.host;
    if (own && isLoopback(own.hostname) && !isForeign) {
      return await handler(request);
    }
    const error = {
      message:
        "Without access keys, the gateway answers only programs on this machine.",
      type: "invalid_request_error",
      code: "forbidden",
      param: null,
    };
    const headers = { "x-request-id": crypto.randomUUID() };
    return Response.json({ error }, { status: 403, headers });
  };
}
