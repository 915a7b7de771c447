// `sseResponse()` over real connections. It closes the model's stream when Deno
// notices that the client disconnected. That takes about a millisecond. The limit is
// a timer of the same process, which is as late as the process on a busy machine.

import { fallbackStream } from "@fallback/stream";
import { errorResponse, type SseEnd, sseResponse } from "@fallback/stream/sse";
import {
  createJournal,
  fakeModel,
  type Journal,
  type Script,
  step,
} from "@fallback/stream/testing";
import { assert, assertEquals, assertLess } from "@std/assert";
import { soon } from "../_soon.ts";
import { parse, readAll } from "./_client.ts";

const hostname = "127.0.0.1";

interface Server extends AsyncDisposable {
  readonly port: number;
  readonly journal: Journal;
  readonly ends: SseEnd[];
  /** Resolves when the first response has ended. */
  readonly ended: Promise<void>;
}

/** Serves one fake model, as users do. */
function serve(
  script: Script<unknown>,
  { heartbeatMs, passesSignal = false }: {
    heartbeatMs?: number;
    passesSignal?: boolean;
  } = {},
): Server {
  const journal = createJournal();
  const model = fakeModel("fake", script, { journal });
  const ends: SseEnd[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const handler = async ({ signal }: Request) => {
    try {
      const options = passesSignal ? { signal } : {};
      const stream = await fallbackStream([model], "hi", options);
      return sseResponse(stream, {
        heartbeatMs,
        onClose(end) {
          ends.push(end);
          resolve();
        },
      });
    } catch (error) {
      resolve();
      return errorResponse(error);
    }
  };
  const server = Deno.serve({ hostname, port: 0, onListen() {} }, handler);
  return {
    port: server.addr.port,
    journal,
    ends,
    ended,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Connects a client that controls when it reads and disconnects. */
async function connect(port: number, method = "GET") {
  const connection = await Deno.connect({ hostname, port });
  const head = `${method} / HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  const decoder = new TextDecoder();
  let text = "";
  return {
    /** Reads until the response contains this text. */
    async readTo(part: string) {
      while (!text.includes(part)) {
        const bytes = new Uint8Array(16 * 1024);
        const length = await connection.read(bytes);
        assert(length !== null, `The response ended without ${part}: ${text}`);
        text += decoder.decode(bytes.subarray(0, length), { stream: true });
      }
    },
    disconnect: () => connection.close(),
  };
}

/**
 * Checks that `onClose` reported the disconnect. Deno before 2.8 aborts the signal of
 * the request first, so a call with that signal ends as interrupted.
 */
function assertDisconnected(
  ends: readonly SseEnd[],
  passesSignal: boolean,
): void {
  if (passesSignal && /^2\.[3-7]\./.test(Deno.version.deno)) {
    assertEquals(ends.map(({ outcome }) => outcome), ["interrupted"]);
  } else {
    assertEquals(ends, [{ outcome: "cancelled" }]);
  }
}

const texts = Array.from({ length: 2000 }, () => [step.wait(5), "text"]).flat();
const flood = Array.from({ length: 2000 }, () => "x".repeat(64 * 1024));

/** A script, the text after which the client disconnects, and the heartbeat. */
const disconnects: Record<string, [Script<unknown>, string, number?]> = {
  "while the next chunk is awaited": [["a", step.hang()], '"a"'],
  "between chunks": [texts, "text"],
  "during heartbeats": [["a", step.hang()], "\n:\n", 10],
  "without reading what was sent": [flood, "x"],
};

for (const [when, [script, part, heartbeatMs]] of Object.entries(disconnects)) {
  for (const passesSignal of [false, true]) {
    Deno.test(`sseResponse() over HTTP closes the stream at once when the client disconnects ${when}, ${passesSignal ? "with" : "without"} request.signal`, async () => {
      await using server = serve(script, {
        passesSignal,
        ...(heartbeatMs !== undefined && { heartbeatMs }),
      });
      const client = await connect(server.port);
      await client.readTo(part);
      client.disconnect();
      await soon(server.ended);
      assertDisconnected(server.ends, passesSignal);
      assertLess(server.journal.calls[0]!.chunks, script.length);
      server.journal.assertClean();
    });
  }
}

Deno.test("sseResponse() over HTTP closes the stream at once when the client's fetch aborts", async () => {
  await using server = serve(["a", step.hang()], { passesSignal: true });
  const controller = new AbortController();
  const response = await fetch(`http://${hostname}:${server.port}`, controller);
  const reader = response.body!.getReader();
  assertEquals(parse([(await reader.read()).value!]), [["message", '"a"']]);
  const rest = reader.read().catch(() => "aborted");
  controller.abort();
  await soon(server.ended);
  assertEquals(await rest, "aborted");
  assertDisconnected(server.ends, true);
  server.journal.assertClean();
});

Deno.test("fallbackStream() with request.signal ends when the client disconnects before content", async () => {
  await using server = serve([step.hang()], { passesSignal: true });
  const client = await connect(server.port);
  while (server.journal.calls.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  client.disconnect();
  await soon(server.ended);
  assertEquals(server.ends, []);
  server.journal.assertClean();
});

Deno.test("sseResponse() over HTTP closes the stream when it opens after the client disconnected, without request.signal", async () => {
  await using server = serve([step.wait(50), "a", step.hang()]);
  const client = await connect(server.port);
  while (server.journal.calls.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  client.disconnect();
  await soon(server.ended);
  assertEquals(server.ends, [{ outcome: "cancelled" }]);
  server.journal.assertClean();
});

Deno.test("sseResponse() over HTTP closes the stream on a HEAD request", async () => {
  await using server = serve(["a", step.hang()]);
  const client = await connect(server.port, "HEAD");
  await client.readTo("text/event-stream");
  await soon(server.ended);
  client.disconnect();
  assertEquals(server.ends, [{ outcome: "cancelled" }]);
  server.journal.assertClean();
});

Deno.test("sseResponse() over HTTP sends the first chunk before the model sends the next", async () => {
  await using server = serve(["a", step.hang()]);
  const client = await connect(server.port);
  await soon(client.readTo('data: "a"\n\n'));
  client.disconnect();
  await soon(server.ended);
  server.journal.assertClean();
});

Deno.test("sseResponse() over HTTP sends complete and interrupted answers, and leaves nothing open", async () => {
  for (const last of ["b", step.fail(new Error("sk-secret"))]) {
    await using server = serve(["a", last], { passesSignal: true });
    const seen = await readAll(
      await fetch(`http://${hostname}:${server.port}`),
    );
    assertEquals(
      seen.map(([type]) => type),
      last === "b" ? ["message", "message", "done"] : ["message", "error"],
    );
    assertEquals(JSON.stringify(seen).includes("sk-secret"), false);
    await soon(server.ended);
    assertEquals(server.ends.map(({ outcome }) => outcome), [
      last === "b" ? "completed" : "interrupted",
    ]);
    server.journal.assertClean();
  }
});

Deno.test("sseResponse() over HTTP applies backpressure of a slow client to the model", async () => {
  await using server = serve(flood);
  const client = await connect(server.port);
  await client.readTo("x");
  // The buffers of the connection fill up.
  let sent = -1;
  let chunks = 0;
  while (chunks !== sent) {
    sent = chunks;
    await new Promise((resolve) => setTimeout(resolve, 100));
    chunks = server.journal.calls[0]!.chunks;
  }
  assertLess(chunks, flood.length);
  client.disconnect();
  await soon(server.ended);
  server.journal.assertClean();
});
