// The gateway over real connections: clients that disconnect or do not read, secrets,
// and hostile clients and providers.

import { bearerKeys, type CallReport } from "@fallback/stream/gateway";
import { step, wire, type WireScript } from "@fallback/stream/testing";
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { soon } from "../../_soon.ts";
import { postChat, PROVIDER_KEY, serveChain } from "./_serve.ts";

const preamble = { choices: [{ index: 0, delta: { role: "assistant" } }] };

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !condition(); i++) await delay(10);
  assert(condition());
}

const phases: Record<string, WireScript> = {
  "before the headers": [step.hang()],
  "before the first content": [preamble, step.hang()],
  "after the first content": ["Hi", step.hang()],
  "while content is streamed": Array.from(
    { length: 5000 },
    (_, i) => [`${i} `, step.wait(1)],
  ).flat(),
};

for (const [phase, script] of Object.entries(phases)) {
  for (const stream of [true, false]) {
    Deno.test(`gateway() over HTTP closes the provider's connection within a second when the client disconnects ${phase} (stream: ${stream})`, async () => {
      await using served = serveChain([script, ["never"]]);
      const client = new AbortController();
      const { signal } = client;
      const reading = postChat(served, { stream }, { signal })
        .then((response) => response.text()).catch(() => {});
      const [provider, backup] = served.providers;
      await until(() => provider!.calls.length > 0);
      await delay(50);
      client.abort();
      await soon(provider!.calls[0]!.closed);
      assertEquals(provider!.calls[0]!.outcome, "aborted");
      assertEquals(backup!.calls.length, 0);
      await reading;
    });
  }
}

Deno.test("gateway() over HTTP stops reading the provider when the client does not read", async () => {
  const script = Array.from({ length: 20_000 }, () => "x".repeat(10_000));
  await using served = serveChain([script]);
  const { port } = new URL(served.url);
  const connection = await Deno.connect({
    hostname: "127.0.0.1",
    port: Number(port),
  });
  const body = JSON.stringify({
    model: "chat",
    stream: true,
    messages: [{ role: "user", content: "hi" }],
  });
  await connection.write(new TextEncoder().encode(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  ));
  const [provider] = served.providers;
  await until(() => provider!.calls.length > 0);
  let before = -1;
  let sent = 0;
  while (sent !== before) {
    before = sent;
    await delay(500);
    sent = provider!.calls[0]!.sent.length;
  }
  // The buffers of the connections take a part of the 200 MB.
  assert(sent < 5000, `${sent}`);
  connection.close();
  await soon(provider!.calls[0]!.closed);
});

Deno.test("gateway() over HTTP shows no key, host or message of a provider to a client", async () => {
  const secret = "sentence-of-the-provider";
  const headers = { "x-provider-secret": secret, "set-cookie": `a=${secret}` };
  const scripts: WireScript[] = [401, 402, 403, 404, 408, 409, 429, 500, 503]
    .map((status) => [
      wire.status(status, {
        headers,
        body: { error: { message: `${secret} ${PROVIDER_KEY}` } },
      }),
    ]);
  scripts.push(
    [wire.status(301, { headers: { location: "http://elsewhere.example/" } })],
    [step.fail(new Error(secret))],
    [{ error: { message: secret, code: 500 } }],
    ["Hi", { error: { message: secret, code: 500 } }],
    ["Hi", step.fail(new Error(secret))],
    [wire.raw(`<html>${secret}</html>`)],
    [wire.status(200, { headers }), "Hi"],
  );
  for (const script of scripts) {
    await using served = serveChain([script]);
    for (const stream of [true, false]) {
      const response = await postChat(served, { stream });
      const seen = JSON.stringify([...response.headers]) +
        await response.text();
      for (
        const hidden of [secret, PROVIDER_KEY, served.hosts[0]!, "elsewhere"]
      ) assert(!seen.includes(hidden), seen);
    }
  }
});

Deno.test("gateway() over HTTP limits 2,000 connections, and works afterwards", async () => {
  await using served = serveChain([["Hi", step.wait(300), "!"]], {
    maxConcurrent: 200,
  });
  const statuses = await Promise.all(
    Array.from({ length: 2000 }, async () => {
      const response = await postChat(served);
      await response.text();
      return response.status;
    }),
  );
  assert(statuses.every((status) => status === 200 || status === 503));
  assert(statuses.filter((status) => status === 200).length >= 200);
  assert(served.providers[0]!.calls.length <= 2000);
  const after = await postChat(served);
  assert((await after.text()).includes("[DONE]"));
});

Deno.test("gateway() over HTTP rejects large, slow and malformed bodies without calling a model", async () => {
  await using served = serveChain([["Hi"]], {
    bodyTimeoutMs: 100,
    maxBodyBytes: 1_000_000,
  });
  const headers = { "content-type": "application/json" };
  const status = async (body: BodyInit) => {
    const response = await postChat(served, {}, { headers, body });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await status(`{"messages":"${"x".repeat(10_000_000)}"}`), 413);
  assertEquals(await status("\xff\xfe garbage"), 400);
  assertEquals(await status(new Uint8Array([0x22, 0xff, 0x22])), 400);
  assertEquals(await status("[".repeat(100_000)), 400);
  assertEquals(await status(""), 400);
  // The connection may be closed before the client reads the response.
  let pieces = 0;
  const slow = new ReadableStream({
    async pull(controller) {
      await delay(50);
      if (pieces++ < 20) controller.enqueue(new TextEncoder().encode(" "));
      else controller.close();
    },
  });
  const rejected = await status(slow).catch(() => 408);
  assertEquals(rejected, 408);
  assertEquals(served.providers[0]!.calls.length, 0);
});

Deno.test("gateway() over HTTP is not affected by header injection and malformed requests", async () => {
  const reports: CallReport[] = [];
  await using served = serveChain([["Hi"]], {
    exposeModels: true,
    authorize: bearerKeys("for-tests-0123456789"),
    onCall: (report) => void reports.push(report),
  });
  const { port } = new URL(served.url);
  const raw = async (head: string) => {
    const connection = await Deno.connect({
      hostname: "127.0.0.1",
      port: Number(port),
    });
    await connection.write(new TextEncoder().encode(`${head}\r\n\r\n`));
    return await new Response(connection.readable).text();
  };
  const end = "connection: close";
  for (
    const head of [
      `GET /v1/models HTTP/1.1\r\nhost: a b[\r\n${end}`,
      `TRACE /v1/chat/completions HTTP/1.1\r\nhost: x\r\n${end}`,
      `GET /v1/models/%0d%0ax-evil:%201 HTTP/1.1\r\nhost: x\r\n${end}`,
      `GET /v1/models/%E0%A4%A HTTP/1.1\r\nhost: x\r\n${end}`,
      `GET /v1/../../etc/passwd HTTP/1.1\r\nhost: x\r\n${end}`,
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer\r\n${end}`,
    ]
  ) {
    const answer = await raw(head);
    assert(/^HTTP\/1\.1 4\d\d /.test(answer), `${head}: ${answer}`);
    assert(!/^x-evil/m.test(answer));
  }
  assertEquals(reports, []);
});

Deno.test("gateway() over HTTP follows no redirect of a provider", async () => {
  let visits = 0;
  const stranger = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => {
      visits++;
      return new Response("hello");
    },
  );
  const location = `http://127.0.0.1:${stranger.addr.port}/`;
  for (const status of [301, 302, 307, 308]) {
    await using served = serveChain([
      [wire.status(status, { headers: { location } })],
      ["Hi"],
    ]);
    assert((await (await postChat(served)).text()).includes("Hi"));
  }
  assertEquals(visits, 0);
  await stranger.shutdown();
});
