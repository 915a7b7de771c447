// A Redis client in as few lines as possible, for tests that are not about
// clients. It sends commands over one connection and reads replies in order.

import type { RedisSend } from "@fallback/stream/redis";

/** A connection to a server. */
export interface TestClient extends AsyncDisposable {
  readonly send: RedisSend;
}

/** Connects to a server on this machine. */
export async function connect(port: number): Promise<TestClient> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const writer = connection.writable.getWriter();
  const waiting: PromiseWithResolvers<unknown>[] = [];
  let isOpen = true;
  const reading = read(connection, waiting).then(() => isOpen = false);
  return {
    async send(args) {
      if (!isOpen) throw new Error("the connection is closed");
      const reply = Promise.withResolvers<unknown>();
      waiting.push(reply);
      const parts = args.map((arg) => {
        const { length } = new TextEncoder().encode(arg);
        return `$${length}\r\n${arg}\r\n`;
      });
      const text = `*${args.length}\r\n${parts.join("")}`;
      writer.write(new TextEncoder().encode(text)).catch(() => {});
      return await reply.promise;
    },
    async [Symbol.asyncDispose]() {
      await writer.close().catch(() => {});
      await reading;
    },
  };
}

async function read(
  connection: Deno.Conn,
  waiting: PromiseWithResolvers<unknown>[],
): Promise<void> {
  let text = "";
  try {
    const decoder = new TextDecoderStream();
    for await (const part of connection.readable.pipeThrough(decoder)) {
      text += part;
      for (let reply; (reply = parse(text));) {
        text = text.slice(reply.size);
        const { value } = reply;
        if (value instanceof Error) waiting.shift()?.reject(value);
        else waiting.shift()?.resolve(value);
      }
    }
  } catch {
    // The server has closed the connection.
  }
  const error = new Error("the connection is closed");
  for (const reply of waiting.splice(0)) reply.reject(error);
}

/** The first reply of a text, if it is complete. The replies are ASCII. */
function parse(text: string): { value: unknown; size: number } | undefined {
  const match = /^([+\-:$*])(.*?)\r\n/.exec(text);
  if (!match) return undefined;
  const [line, kind, rest] = match;
  const size = line.length;
  if (kind === "+") return { value: rest, size };
  if (kind === "-") return { value: new Error(rest), size };
  if (kind === ":") return { value: Number(rest), size };
  const count = Number(rest);
  if (count < 0) return { value: null, size };
  if (kind === "$") {
    const end = size + count;
    if (text.length < end + 2) return undefined;
    return { value: text.slice(size, end), size: end + 2 };
  }
  const values: unknown[] = [];
  let end = size;
  for (let i = 0; i < count; i++) {
    const reply = parse(text.slice(end));
    if (!reply) return undefined;
    values.push(reply.value);
    end += reply.size;
  }
  return { value: values, size: end };
}
