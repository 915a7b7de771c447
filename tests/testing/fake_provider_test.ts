import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { delay } from "@std/async/delay";
import { FakeTime } from "@std/testing/time";
import {
  type FakeProvider,
  fakeProvider,
  type ProviderCall,
  step,
  virtualTime,
  wire,
  type WireScript,
} from "@fallback/stream/testing";
import { withoutGlobal } from "../_without_global.ts";

const ADDRESS = "http://localhost/v1/chat/completions";
const REQUEST = { method: "POST", body: '{"model":"m"}' };

async function packetsOf(
  response: Response | Promise<Response>,
): Promise<string[]> {
  const { body } = await response;
  return await Array.fromAsync(body!.pipeThrough(new TextDecoderStream()));
}

/** Checks over HTTP, with the global `fetch`, and then without a network. */
async function both(
  script: WireScript,
  check: (send: () => Promise<Response>, provider: FakeProvider) => unknown,
): Promise<void> {
  const served = fakeProvider(script);
  await using server = served.listen();
  await check(
    () => fetch(`${server.baseURL}/chat/completions`, REQUEST),
    served,
  );
  const direct = fakeProvider(script);
  await check(() => direct.fetch(ADDRESS, REQUEST), direct);
}

Deno.test("fakeProvider() sends each item as a packet, and completes the answer", async () => {
  const usage = { choices: [], usage: { total_tokens: 1 } };
  await both(["Hi", usage], async (send, { calls }) => {
    const response = await send();

    assertEquals(response.status, 200);
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    const events = (await packetsOf(response)).join("").split("\n\n");
    assertEquals(events.map((event) => event.replace("data: ", "")), [
      '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":0,' +
      '"model":"m","choices":[{"index":0,"delta":{"content":"Hi"},' +
      '"finish_reason":null}]}',
      '{"choices":[],"usage":{"total_tokens":1}}',
      '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
      "[DONE]",
      "",
    ]);
    const { pathname, hostname } = new URL(calls[0]!.url);
    assertEquals(pathname, "/v1/chat/completions");
    assertMatch(hostname, /^(?:127\.0\.0\.1|localhost)$/);
    assertEquals(calls[0]?.body, { model: "m" });
    assertEquals(calls[0]?.sent, ["Hi", usage]);
    await calls[0]?.closed;
    assertEquals(calls[0]?.outcome, "completed");
  });
});

Deno.test("fakeProvider() splits and joins packets as the script says", async () => {
  const script = [
    wire.packet({ a: 1 }, wire.raw(": x\n\n"), { b: 2 }),
    Uint8Array.of(65),
  ];
  const { fetch } = fakeProvider([
    ...script,
    wire.finish(),
    { c: 3 },
    step.end(),
    "never",
  ]);

  const packets = await packetsOf(fetch(ADDRESS, REQUEST));

  assertEquals(packets, [
    'data: {"a":1}\n\n: x\n\ndata: {"b":2}\n\n',
    "A",
    'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    'data: {"c":3}\n\n',
    "data: [DONE]\n\n",
  ]);
});

Deno.test("fakeProvider() ends lines with 'lineEnd'", async () => {
  const { fetch } = fakeProvider([wire.errorEvent("x")], { lineEnd: "\r\n" });

  const [event] = await packetsOf(fetch(ADDRESS, REQUEST));

  assertEquals(event, 'data: {"error":"x"}\r\n\r\n');
});

Deno.test("fakeProvider() answers a status with its headers and body", async () => {
  const headers = { "content-type": "text/html", "retry-after": "3" };
  const done =
    'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
  const answers: [WireScript[number], number, string, string][] = [
    [wire.status(529, { body: { a: 1 } }), 529, "application/json", '{"a":1}'],
    [wire.status(200, { body: { a: 1 } }), 200, "application/json", '{"a":1}'],
    [wire.status(400, { body: "No" }), 400, "text/plain;charset=utf-8", "No"],
    [wire.status(500, { headers, body: "<p>" }), 500, "text/html", "<p>"],
    [wire.status(300), 300, "application/json", ""],
    [wire.status(299), 299, "text/event-stream", done],
    [
      wire.status(200, {
        headers: { "content-type": "text/event-stream; a=b" },
      }),
      200,
      "text/event-stream; a=b",
      done,
    ],
  ];
  for (const [step, code, type, body] of answers) {
    await both([step], async (send, { calls }) => {
      const response = await send();
      assertEquals(response.status, code);
      assertEquals(response.headers.get("content-type"), type);
      assertEquals(await response.text(), body);
      assertEquals(calls[0]?.outcome, "completed");
    });
  }
  const { fetch } = fakeProvider([answers[3]![0]]);
  const response = await fetch(ADDRESS);
  assertEquals(Object.fromEntries(response.headers), headers);
  await response.body!.cancel();
});

Deno.test("fakeProvider() closes the connection at step.fail()", async () => {
  for (const script of [[], [step.wait(0)]]) {
    await both(
      [...script, step.fail(new TypeError("connection lost"))],
      async (send, { calls }) => {
        await assertRejects(send, TypeError);
        assertEquals(calls[0]?.outcome, "failed");
      },
    );
  }
  for (const script of [[step.open()], ["Hi"]]) {
    await both(
      [...script, step.fail(new TypeError("connection lost"))],
      async (send, { calls }) => {
        const response = await send();
        await assertRejects(() => response.text(), TypeError);
        assertEquals(calls[0]?.outcome, "failed");
      },
    );
  }
});

Deno.test("fakeProvider() ends the body at step.truncate()", async () => {
  await both([{ a: 1 }, step.truncate(), { b: 2 }], async (send, { calls }) => {
    assertEquals(await (await send()).text(), 'data: {"a":1}\n\n');
    assertEquals(calls[0]?.outcome, "failed");
  });
});

Deno.test("fakeProvider() runs one script per request, and repeats the last", async () => {
  const { fetch, calls } = fakeProvider({
    scripts: [[wire.status(500)], [wire.status(400)], ["Hi"]],
  });

  const statuses = [];
  for (const body of ["0", "1", "two", "3"]) {
    const response = await fetch(ADDRESS, { method: "POST", body });
    statuses.push(response.status);
    await response.text();
  }

  assertEquals(statuses, [500, 400, 200, 200]);
  assertEquals(calls.map(({ body }) => body), [0, 1, "two", 3]);
});

Deno.test("fakeProvider() waits with the global timers", async () => {
  using time = new FakeTime();
  const { fetch } = fakeProvider([
    step.wait(1000),
    "a",
    step.wait(1000),
    wire.finish(),
  ]);
  let opened = false;
  const opening = fetch(ADDRESS, REQUEST).then((response) => {
    opened = true;
    return response;
  });

  await time.tickAsync(999);
  assert(!opened);
  await time.tickAsync(1);
  const body = (await opening).body!.getReader();
  await body.read();
  let sent = false;
  const pending = body.read().then(() => sent = true);
  await time.tickAsync(999);
  assert(!sent);
  await time.tickAsync(1);
  await pending;
  await body.cancel();
  assertEquals(time.next(), false);
});

for (const pause of [step.hang(), step.wait(2_000_000_000)]) {
  for (const before of [[], [step.open()], ["Hi"]] as WireScript[]) {
    const where = before.length === 0
      ? "opening"
      : `after ${typeof before[0] === "string" ? "a chunk" : "the headers"}`;

    Deno.test(`fakeProvider() ends a ${pause.type} ${where} when the client disconnects`, async () => {
      const called = Promise.withResolvers<ProviderCall>();
      const script = [...before, pause, "never"];
      const provider = fakeProvider(script, { onCall: called.resolve });
      await using server = provider.listen();
      for (const send of [fetch, provider.fetch]) {
        const client = new AbortController();
        const reason = new Error("gone");
        const { signal } = client;
        const answer = send(server.url, { ...REQUEST, signal });
        const text = answer.then((response) => response.text());
        await (before.length === 0 ? called.promise : answer);

        client.abort(reason);

        const error = await assertRejects(() => text);
        assertStrictEquals(error, reason);
        const call = provider.calls.at(-1)!;
        await call.closed;
        assertEquals(call.outcome, "aborted");
        assert(!call.sent.includes("never"));
      }
    });
  }
}

Deno.test("fakeProvider() counts an answer as completed when the client stops at [DONE]", async () => {
  await both(["Hi"], async (send, { calls }) => {
    const response = await send();
    let text = "";
    for await (
      const part of response.body!.pipeThrough(new TextDecoderStream())
    ) {
      text += part;
      if (text.includes("[DONE]")) break;
    }
    await calls[0]!.closed;
    assertEquals(calls[0]!.outcome, "completed");
  });
});

Deno.test("fakeProvider() fails an aborted answer between two reads, and reads nothing ahead", () =>
  virtualTime(async () => {
    const { fetch, calls } = fakeProvider(["Hel", "lo"]);
    const client = new AbortController();
    const { signal } = client;
    const reason = new Error("gone");
    const response = await fetch(ADDRESS, { ...REQUEST, signal });
    const body = response.body!.getReader();
    await body.read();
    await delay(1);
    assertEquals(calls[0]!.sent, ["Hel"]);

    client.abort(reason);

    assertStrictEquals(await assertRejects(() => body.read()), reason);
  }));

Deno.test("fakeProvider() ends a complete answer properly though the client aborts", async () => {
  const { fetch } = fakeProvider([wire.finish()]);
  const client = new AbortController();
  const response = await fetch(ADDRESS, { ...REQUEST, signal: client.signal });
  const body = response.body!.getReader();
  await body.read();
  await body.read(); // [DONE]

  client.abort();

  assertEquals((await body.read()).done, true);
});

Deno.test("fakeProvider() sends no more than the client reads", async () => {
  const part = new Uint8Array(64 * 1024);
  await both(new Array(500).fill(part), async (send, { calls }) => {
    const response = await send();
    for await (const _ of response.body!) break;
    await calls[0]!.closed;
    assertEquals(calls[0]!.outcome, "aborted");
    assertLess(calls[0]!.sent.length, 500);
  });
});

Deno.test("listen() closes hanging connections when it is disposed of, also twice", async () => {
  const provider = fakeProvider([step.open(), step.hang()]);
  const server = provider.listen();
  const response = await fetch(server.url, REQUEST);
  const text = response.text();

  const broken = assertRejects(() => text, TypeError);
  await Promise.all([
    server[Symbol.asyncDispose](),
    server[Symbol.asyncDispose](),
  ]);

  assertEquals(provider.calls[0]?.outcome, "aborted");
  await broken;
  await assertRejects(() => fetch(server.url, REQUEST), TypeError);
});

Deno.test("listen() closes connections that come just before it is disposed of", async () => {
  const server = fakeProvider(["Hi"]).listen();
  const { port } = new URL(server.url);
  const place = { hostname: "127.0.0.1", port: Number(port) };
  const clients = await Promise.all(
    Array.from({ length: 5 }, () => Deno.connect(place)),
  );
  await server[Symbol.asyncDispose]();
  for (const { readable } of clients) {
    await new Response(readable).text().catch(() => {});
  }
});

Deno.test("fakeProvider() receives headers of Latin-1", async () => {
  const provider = fakeProvider(["Hi"]);
  await using server = provider.listen();
  const headers = { "x-a": "\xe9" };
  for (const send of [provider.fetch, fetch]) {
    const response = await send(server.url, { headers });
    await response.text();
    assertEquals(provider.calls.at(-1)!.headers.get("x-a"), "\xe9");
  }
});

Deno.test("listen() throws TypeError without Deno, and names the alternative", async () => {
  const { listen } = fakeProvider(["Hi"]);
  const { message } = await assertRejects(
    () => withoutGlobal("Deno", () => void listen()),
    TypeError,
  );
  assertEquals(
    message,
    "Cannot listen as only Deno can: give 'fetch' to your client instead",
  );
});

Deno.test("listen() reads requests without a body, and speaks HTTP/1.1", async () => {
  const provider = fakeProvider([wire.raw("x".repeat(31)), step.truncate()]);
  await using server = provider.listen();
  const port = Number(new URL(server.url).port);
  await using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head =
    `GET /a?b HTTP/1.1\r\nhost:127.0.0.1:${port}\r\nx-a: b:c\r\n\r\n`;
  for (const part of [head.slice(0, -2), head.slice(-2)]) {
    await connection.write(new TextEncoder().encode(part));
  }

  assertEquals(
    await new Response(connection.readable).text(),
    `HTTP/1.1 200 \r\ncontent-type: text/event-stream\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n1f\r\n${
      "x".repeat(31)
    }\r\n0\r\n\r\n`,
  );
  const { url, headers, body } = provider.calls[0]!;
  assertEquals(url, `${server.url}/a?b`);
  assertEquals(Object.fromEntries(headers), {
    host: `127.0.0.1:${port}`,
    "x-a": "b:c",
  });
  assertEquals(body, "");
});

Deno.test("listen() reads long requests", async () => {
  const provider = fakeProvider(["Hi"]);
  await using server = provider.listen();
  const body = JSON.stringify({ text: "é".repeat(100_000) });

  const response = await fetch(server.url, { method: "POST", body });
  await response.text();

  assertEquals(provider.calls[0]?.body, JSON.parse(body));
});

Deno.test("listen() serves a hundred clients at once", async () => {
  const provider = fakeProvider(["Hel", step.wait(1), "lo"]);
  await using server = provider.listen();

  const texts = await Promise.all(Array.from({ length: 100 }, async () => {
    const response = await fetch(server.url, REQUEST);
    return await response.text();
  }));

  assert(texts.every((text) => text.endsWith("[DONE]\n\n")));
  assert(provider.calls.every(({ outcome }) => outcome === "completed"));
});

Deno.test("fakeProvider() does not send an aborted request", async () => {
  const provider = fakeProvider(["Hi"]);
  const signal = AbortSignal.abort(new Error("enough"));

  await assertRejects(
    () => provider.fetch(ADDRESS, { ...REQUEST, signal }),
    Error,
    "enough",
  );

  assertEquals(provider.calls, []);
});

Deno.test("fakeProvider() throws TypeError for an invalid script", () => {
  const lists = assertThrows(() => fakeProvider({ scripts: [] }), TypeError);
  assertEquals(
    lists.message,
    "Cannot make a provider as 'scripts' must hold at least one script",
  );
  const status = wire.status(500);
  for (const first of ["Hi", step.open(), step.end(), status]) {
    const { message } = assertThrows(
      () => fakeProvider([first, status]),
      TypeError,
    );
    assertEquals(
      message,
      "Cannot run the script as the status at 1 comes after what sends the headers, at 0",
    );
  }
  for (const pause of [step.wait(1), step.hang(), step.fail("x")]) {
    fakeProvider([pause, status]);
  }
});

Deno.test("wire.status() throws RangeError for what is no status with a body", () => {
  for (const code of [200, 203, 206, 303, 305, 599]) {
    assertEquals(wire.status(code).code, code);
  }
  for (const code of [199, 600, 204, 205, 304, 200.5, NaN]) {
    const { message } = assertThrows(() => wire.status(code), RangeError);
    assertEquals(
      message,
      `Cannot answer as 'code' must be a status from 200 to 599 with a body: current value is ${code}`,
    );
  }
});
