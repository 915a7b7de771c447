// Over real connections: a client that goes away closes the model's stream, as
// soon as Deno notices. That is about a millisecond; the tests allow for a busy
// machine.

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
import { deadline } from "@std/async/deadline";
import { parse, readAll } from "./_client.ts";

const hostname = "127.0.0.1";

/** How long Deno may take to notice that a client has left, in milliseconds. */
const NOTICED_MS = 1000;

interface Server extends AsyncDisposable {
  readonly port: number;
  readonly journal: Journal;
  readonly ends: SseEnd[];
  /** Resolves when the first answer, or what came instead of it, is over. */
  readonly over: Promise<void>;
}

/** Serves one fake model, as a user would. */
function serve(
  script: Script<unknown>,
  { heartbeatMs, givesSignal = false }: {
    heartbeatMs?: number;
    givesSignal?: boolean;
  } = {},
): Server {
  const journal = createJournal();
  const model = fakeModel("fake", script, { journal });
  const ends: SseEnd[] = [];
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const handler = async ({ signal }: Request) => {
    try {
      const options = givesSignal ? { signal } : {};
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
    over,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** A client that can be seen to read, and to leave. */
async function connect(port: number, method = "GET") {
  const connection = await Deno.connect({ hostname, port });
  const head = `${method} / HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  const decoder = new TextDecoder();
  let text = "";
  return {
    /** Reads on until the answer holds this. */
    async readTo(part: string) {
      while (!text.includes(part)) {
        const bytes = new Uint8Array(16 * 1024);
        const length = await connection.read(bytes);
        assert(length !== null, `The answer ends without ${part}: ${text}`);
        text += decoder.decode(bytes.subarray(0, length), { stream: true });
      }
    },
    leave: () => connection.close(),
  };
}

/**
 * Asserts that it was told that the client has left. Deno before 2.8 aborts the
 * request's signal first: whoever gave it to the call hears of that.
 */
function assertLeft(ends: readonly SseEnd[], givesSignal: boolean): void {
  if (givesSignal && /^2\.[3-7]\./.test(Deno.version.deno)) {
    assertEquals(ends.map(({ outcome }) => outcome), ["interrupted"]);
  } else {
    assertEquals(ends, [{ outcome: "cancelled" }]);
  }
}

const words = Array.from({ length: 2000 }, () => [step.wait(5), "word"]).flat();
const flood = Array.from({ length: 2000 }, () => "x".repeat(64 * 1024));

/** How a client leaves: of which answer, after which part of it. */
const leaves: Record<string, [Script<unknown>, string, number?]> = {
  "while the next chunk is awaited": [["a", step.hang()], '"a"'],
  "between chunks": [words, "word"],
  "during heartbeats": [["a", step.hang()], "\n:\n", 10],
  "without reading what was sent": [flood, "x"],
};

for (const [when, [script, part, heartbeatMs]] of Object.entries(leaves)) {
  for (const givesSignal of [false, true]) {
    Deno.test(`over HTTP: a client that leaves ${when} closes the stream at once, ${givesSignal ? "with" : "without"} its signal`, async () => {
      await using server = serve(script, {
        givesSignal,
        ...(heartbeatMs !== undefined && { heartbeatMs }),
      });
      const client = await connect(server.port);
      await client.readTo(part);
      const leftAt = performance.now();
      client.leave();
      await deadline(server.over, 10_000);
      assertLess(performance.now() - leftAt, NOTICED_MS);
      assertLeft(server.ends, givesSignal);
      assertLess(server.journal.calls[0]!.chunks, script.length);
      server.journal.assertClean();
    });
  }
}

Deno.test("over HTTP: a fetch that is aborted closes the stream at once", async () => {
  await using server = serve(["a", step.hang()], { givesSignal: true });
  const controller = new AbortController();
  const response = await fetch(`http://${hostname}:${server.port}`, controller);
  const reader = response.body!.getReader();
  assertEquals(parse([(await reader.read()).value!]), [["message", '"a"']]);
  const rest = reader.read().catch(() => "aborted");
  const leftAt = performance.now();
  controller.abort();
  assertEquals(await rest, "aborted");
  await deadline(server.over, 10_000);
  assertLess(performance.now() - leftAt, NOTICED_MS);
  assertLeft(server.ends, true);
  server.journal.assertClean();
});

Deno.test("over HTTP: a client that leaves before the first content ends the call, where the handler gives its signal", async () => {
  await using server = serve([step.hang()], { givesSignal: true });
  const client = await connect(server.port);
  while (server.journal.calls.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  client.leave();
  await deadline(server.over, 10_000);
  assertEquals(server.ends, []);
  server.journal.assertClean();
});

Deno.test("over HTTP: a client that leaves before the first content closes the stream once it has opened, without its signal", async () => {
  await using server = serve([step.wait(50), "a", step.hang()]);
  const client = await connect(server.port);
  while (server.journal.calls.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  client.leave();
  await deadline(server.over, 10_000);
  assertEquals(server.ends, [{ outcome: "cancelled" }]);
  server.journal.assertClean();
});

Deno.test("over HTTP: who asks for the head alone leaves no stream open", async () => {
  await using server = serve(["a", step.hang()]);
  const client = await connect(server.port, "HEAD");
  await client.readTo("text/event-stream");
  await deadline(server.over, 10_000);
  client.leave();
  assertEquals(server.ends, [{ outcome: "cancelled" }]);
  server.journal.assertClean();
});

Deno.test("over HTTP: the first words arrive while the model still thinks about the next", async () => {
  await using server = serve(["a", step.hang()]);
  const client = await connect(server.port);
  await deadline(client.readTo('data: "a"\n\n'), 10_000);
  client.leave();
  await deadline(server.over, 10_000);
  server.journal.assertClean();
});

Deno.test("over HTTP: whole answers and broken ones arrive as they are, and leave nothing", async () => {
  for (const last of ["b", step.fail(new Error("sk-secret"))]) {
    await using server = serve(["a", last], { givesSignal: true });
    const seen = await readAll(
      await fetch(`http://${hostname}:${server.port}`),
    );
    assertEquals(
      seen.map(([type]) => type),
      last === "b" ? ["message", "message", "done"] : ["message", "error"],
    );
    assertEquals(JSON.stringify(seen).includes("sk-secret"), false);
    await deadline(server.over, 10_000);
    assertEquals(server.ends.map(({ outcome }) => outcome), [
      last === "b" ? "completed" : "interrupted",
    ]);
    server.journal.assertClean();
  }
});

Deno.test("over HTTP: a slow client makes the model wait", async () => {
  await using server = serve(flood);
  const client = await connect(server.port);
  await client.readTo("x");
  // What the network takes without being read is soon full.
  let sent = -1;
  let chunks = 0;
  while (chunks !== sent) {
    sent = chunks;
    await new Promise((resolve) => setTimeout(resolve, 100));
    chunks = server.journal.calls[0]!.chunks;
  }
  assertLess(chunks, flood.length);
  client.leave();
  await deadline(server.over, 10_000);
  server.journal.assertClean();
});
