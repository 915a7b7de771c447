// HTTP/1.1 by hand. `Deno.serve` answers a request that its handler refuses
// with a 500, where a connection may have to be closed before any header; it joins
// packets; and it reports that a client has disconnected only by a signal whose
// use it warns about.

import { concat } from "@std/bytes/concat";

const HOST = "127.0.0.1";

/** Answers a request; a rejection, or a body that breaks, closes the connection. */
export type Handler = (request: Request) => Promise<Response>;

/** Where a server listens; disposing of it stops the server. */
export interface HttpServer extends AsyncDisposable {
  readonly url: string;
}

/**
 * Serves one request per connection on a free port of this machine. Only request
 * bodies with a `content-length` are read.
 *
 * @param handler Answers the requests. Their signal aborts when the client
 * leaves or the server is stopped, and the body of the answer must break then.
 * @returns The server. Disposing of it closes every connection.
 */
export function serveHttp(handler: Handler): HttpServer {
  const listener = Deno.listen({ hostname: HOST, port: 0 });
  const exchanges = new Map<Deno.Conn, Promise<void>>();
  const accepting = (async () => {
    for await (const connection of listener) {
      const exchanged = exchange(connection, handler)
        .finally(() => exchanges.delete(connection));
      exchanges.set(connection, exchanged);
    }
  })();
  return {
    url: `http://${HOST}:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      close(listener);
      await accepting;
      for (const connection of exchanges.keys()) close(connection);
      await Promise.all(exchanges.values());
    },
  };
}

/** One request and its answer. */
async function exchange(
  connection: Deno.TcpConn,
  handler: Handler,
): Promise<void> {
  const client = new AbortController();
  let watching: Promise<void> | undefined;
  try {
    connection.setNoDelay();
    const request = await readRequest(connection, client.signal);
    watching = untilLeft(connection).finally(() => client.abort());
    const response = await handler(request);
    for await (const bytes of bytesOf(response)) {
      await write(connection, bytes);
    }
  } catch {
    // The client only sees that the connection is closed too early.
  } finally {
    close(connection);
    await watching;
  }
}

async function readRequest(
  connection: Deno.Conn,
  signal: AbortSignal,
): Promise<Request> {
  let bytes = new Uint8Array();
  let head: RegExpExecArray | null = null;
  while (!head) {
    bytes = await readMore(connection, bytes);
    head = /^.*?\r\n\r\n/s.exec(toLatin1(bytes));
  }
  const bodyAt = head[0].length;
  const [line, ...fields] = head[0].trimEnd().split("\r\n");
  const headers = new Headers(
    fields.map((field) => field.split(/:(.*)/, 2) as [string, string]),
  );
  const end = bodyAt + Number(headers.get("content-length"));
  while (bytes.length < end) bytes = await readMore(connection, bytes);
  const [method, target] = line!.split(" ");
  return new Request(`http://${headers.get("host")}${target}`, {
    method: method!,
    headers,
    body: end > bodyAt ? bytes.slice(bodyAt, end) : null,
    signal,
  });
}

async function readMore(
  connection: Deno.Conn,
  bytes: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const more = new Uint8Array(16_384);
  const length = await connection.read(more);
  if (length === null) throw new Deno.errors.UnexpectedEof();
  return concat([bytes, more.subarray(0, length)]);
}

/** Waits until the client closes the connection, or we do. */
async function untilLeft(connection: Deno.Conn): Promise<void> {
  try {
    for (;;) await readMore(connection, new Uint8Array());
  } catch {
    // Closed, politely or not.
  }
}

/** Each byte becomes one character, as headers have it. */
function toLatin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

const encoder = new TextEncoder();

/** A response as it is sent, in parts. */
async function* bytesOf(response: Response): AsyncGenerator<Uint8Array> {
  yield headOf(response);
  for await (const packet of response.body ?? []) yield framed(packet);
  yield encoder.encode("0\r\n\r\n");
}

function headOf({ status, headers }: Response): Uint8Array {
  const fields = [...headers, ["connection", "close"], [
    "transfer-encoding",
    "chunked",
  ]].map(([name, value]) => `${name}: ${value}\r\n`);
  return encoder.encode(`HTTP/1.1 ${status} \r\n${fields.join("")}\r\n`);
}

/** A packet as a chunk of a chunked body: its length in front of it. */
function framed(packet: Uint8Array): Uint8Array {
  const length = encoder.encode(`${packet.length.toString(16)}\r\n`);
  return concat([length, packet, encoder.encode("\r\n")]);
}

async function write(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await connection.write(bytes.subarray(at));
  }
}

function close(resource: Disposable): void {
  try {
    resource[Symbol.dispose]();
  } catch {
    // It is closed already.
  }
}
