// A client that disconnects or does not read, the limit of concurrent calls,
// heartbeats, and the report of a call.

import type { CallReport } from "@fallback/stream/gateway";
import { logCalls } from "@fallback/stream/gateway";
import { step, wire, type WireScript } from "@fallback/stream/testing";
import { assert, assertEquals } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { chain, chatRequest, eventsOf, providerError } from "./_client.ts";

const preamble = { choices: [{ index: 0, delta: { role: "assistant" } }] };

/** Collects the reports, and waits for the first. */
function reports() {
  const { promise, resolve } = Promise.withResolvers<CallReport>();
  return { onCall: resolve, first: deadline(promise, 10_000) };
}

const phases: Record<string, { script: WireScript; stream: boolean }> = {
  "before the headers": { script: [step.hang()], stream: true },
  "before the first content": {
    script: [preamble, step.hang()],
    stream: true,
  },
  "while the complete answer is read": {
    script: ["Hi", step.hang()],
    stream: false,
  },
};

for (const [phase, { script, stream }] of Object.entries(phases)) {
  Deno.test(`gateway() closes the provider's stream when the client disconnects ${phase}`, async () => {
    const { onCall, first } = reports();
    const { handler, providers } = chain([script, ["never"]], { onCall });
    const client = new AbortController();
    const { signal } = client;
    const pending = handler(chatRequest({ stream }, { signal }));
    while (!providers[0]!.calls[0]) await new Promise((go) => setTimeout(go));
    client.abort();
    await deadline(providers[0]!.calls[0]!.closed, 10_000);
    assertEquals((await pending).status, 499);
    assertEquals((await first).status, 499);
    assertEquals(providers[0]!.calls[0]!.outcome, "aborted");
    assertEquals(providers[1]!.calls.length, 0);
  });
}

Deno.test("gateway() closes the provider's stream when the client cancels the body", async () => {
  for (const heartbeatMs of [0, 1]) {
    // With heartbeats, the body is cancelled before a model has answered.
    const script = heartbeatMs ? [step.hang()] : ["Hi", step.hang()];
    const { onCall, first } = reports();
    const { handler, providers } = chain([script], { onCall, heartbeatMs });
    const response = await handler(chatRequest({ stream: true }));
    const reader = response.body!.getReader();
    await reader.read();
    await deadline(reader.cancel(), 10_000);
    await deadline(providers[0]!.calls[0]!.closed, 10_000);
    assertEquals(providers[0]!.calls[0]!.outcome, "aborted");
    assertEquals((await first).status, 499);
  }
});

Deno.test("gateway() does not read ahead of its client", async () => {
  const script = Array.from({ length: 1000 }, (_, i) => `${i} `);
  const { handler, providers } = chain([script]);
  const { body } = await handler(chatRequest({ stream: true }));
  const reader = body!.getReader();
  await reader.read();
  for (let i = 0; i < 50; i++) await new Promise((go) => setTimeout(go));
  assert(providers[0]!.calls[0]!.sent.length < 20);
  await reader.cancel();
});

Deno.test("gateway() rejects a call beyond maxConcurrent, and accepts the next after one has ended", async () => {
  const { handler } = chain([["Hi"]], { maxConcurrent: 1 });
  const first = await handler(chatRequest({ stream: true }));
  const second = await handler(chatRequest());
  assertEquals(
    [
      second.status,
      second.headers.get("retry-after"),
      second.headers.get("x-should-retry"),
    ],
    [503, "1", null],
  );
  await second.body?.cancel();
  await first.text();
  assertEquals((await handler(chatRequest())).status, 200);
  // A rejected request frees its slot, too.
  assertEquals((await handler(chatRequest({ n: 0 }))).status, 400);
  assertEquals((await handler(chatRequest())).status, 200);
});

Deno.test("gateway() sends heartbeat comments while the model sends nothing", async () => {
  const script = ["a", step.wait(60), "b"];
  const { handler } = chain([script], { heartbeatMs: 10 });
  const text = await (await handler(chatRequest({ stream: true }))).text();
  assert(text.split(": \n\n").length > 1, text);
  const events = text.split("\n\n").filter((each) => each.startsWith("data"));
  assertEquals(events.length, 4);
});

Deno.test("gateway() responds with the status of an error before the first heartbeat", async () => {
  const { handler } = chain([providerError(429)], { heartbeatMs: 10_000 });
  const response = await handler(chatRequest({ stream: true }));
  assertEquals(response.status, 429);
});

Deno.test("gateway() reports each call once, with client, attempts, usage and status", async () => {
  const seen: CallReport[] = [];
  const usage = { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 };
  const { handler } = chain(
    [providerError(500), ["Hi", wire.finish(), { choices: [], usage }]],
    {
      authorize: () => ({ id: "alice" }),
      onCall: (report) => {
        seen.push(report);
        throw new Error("ignored");
      },
    },
  );
  await eventsOf(await handler(chatRequest({ stream: true })));
  await handler(chatRequest());
  await handler(chatRequest({ model: "no" }));
  assertEquals(
    seen.map(({ client, model, status, attempts }) => [
      client,
      model,
      status,
      attempts.map(({ outcome }) => outcome),
    ]),
    [
      ["alice", "chat", 200, ["failed", "completed"]],
      ["alice", "chat", 200, ["failed", "completed"]],
      ["alice", undefined, 404, []],
    ],
  );
  assertEquals(seen[0]!.usage.outputTokens, 3);
  assertEquals(seen.map((report) => "error" in report), [false, false, true]);
  assertEquals(
    String(seen[2]!.error),
    "GatewayError: The model 'no' does not exist.",
  );
});

Deno.test("logCalls() writes a line of text or JSON without request and answer", async () => {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  for (const format of ["text", "json"] as const) {
    const { handler } = chain([providerError(529), ["Secret answer"]], {
      onCall: logCalls({ format, write }),
    });
    await (await handler(chatRequest())).text();
  }
  const [text, json] = lines;
  assert(
    /^200 chat \d+ ms .*model-0 failed .*529.*model-1 completed/.test(text!),
  );
  const { attempts, status } = JSON.parse(json!);
  assertEquals([status, attempts.length, attempts[1].model], [
    200,
    2,
    "model-1",
  ]);
  assertEquals(lines.some((line) => /Secret|\n/.test(line)), false);
});

Deno.test("logCalls() writes why a call failed", async () => {
  const lines: string[] = [];
  const { handler } = chain([["Hi"]], {
    onCall: logCalls({ write: (line) => lines.push(line) }),
  });
  await handler(chatRequest({ model: "no" }));
  assertEquals(
    lines[0]!.replace(/\d+ ms|request=.*/g, "…"),
    "404 - … error=GatewayError: The model 'no' does not exist. …",
  );
});

Deno.test("gateway() passes the request to a function that chooses the models", async () => {
  const { handler } = chain([["Hi"]], {
    models: {
      chat: ({ messages }) => [
        async function* echo() {
          yield {
            choices: [{ delta: { content: `${messages[0]?.content}!` } }],
          };
        },
      ],
    },
  });
  const answer = await (await handler(chatRequest())).json();
  assertEquals(answer.choices[0].message.content, "hi!");
});
