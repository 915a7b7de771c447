// A client that disconnects or does not read, the limit of concurrent calls,
// heartbeats, and the report of a call.

import type { Attempt, CallReport } from "@fallback/stream/gateway";
import { logCalls } from "@fallback/stream/gateway";
import {
  step,
  virtualTime,
  wire,
  type WireScript,
} from "@fallback/stream/testing";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { stub } from "@std/testing/mock";
import { FakeTime } from "@std/testing/time";
import { GatewayCall } from "../../src/gateway/_call.ts";
import type { ResolvedOptions } from "../../src/gateway/options.ts";
import { chain, chatRequest, providerError } from "./_client.ts";

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

Deno.test("gateway() reports all attempts of a client that disconnects before content", async () => {
  for (const stream of [true, false]) {
    const { onCall, first } = reports();
    const failed = [
      { choices: [], usage: { total_tokens: 7 } },
      step.fail(new Error("busy")),
    ];
    const { handler, providers } = chain([failed, [step.hang()]], { onCall });
    const client = new AbortController();
    const { signal } = client;
    const pending = handler(chatRequest({ stream }, { signal }));
    while (!providers[1]!.calls[0]) await new Promise((go) => setTimeout(go));
    client.abort();
    await pending;
    const { attempts, usage, error } = await first;
    assertEquals(
      attempts.map(({ model, outcome }) => `${model} ${outcome}`),
      ["model-0 failed", "model-1 cancelled"],
    );
    assertEquals([usage.totalTokens, error], [7, undefined]);
  }
});

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
  const { handler, reports } = chain([["Hi"]], { maxConcurrent: 1 });
  const first = await handler(chatRequest({ stream: true }));
  const second = await handler(chatRequest());
  assertEquals(
    [
      second.status,
      second.headers.get("retry-after"),
      second.headers.get("x-should-retry"),
      await second.json(),
    ],
    [503, "1", null, {
      error: {
        message: "Too many calls are running.",
        type: "server_error",
        code: "too_many_calls",
        param: null,
      },
    }],
  );
  await first.text();
  assertEquals((await handler(chatRequest())).status, 200);
  // A rejected request frees its slot, too.
  assertEquals((await handler(chatRequest({ n: 0 }))).status, 400);
  assertEquals((await handler(chatRequest())).status, 200);
  assertEquals(reports.map(({ status }) => status), [200, 200, 400, 200]);
});

Deno.test("gateway() starts a response when the first heartbeat is due, after 15 seconds by default", async () => {
  await virtualTime(async () => {
    const { handler, reports } = chain([
      [step.wait(20_000), "a", step.truncate()],
    ], { exposeModels: true });
    const response = await handler(chatRequest({ stream: true }));
    assertEquals(Date.now(), 15_000);
    assertEquals(response.headers.get("x-fallback-model"), null);
    const events = (await response.text()).split("\n\n");
    assertEquals([events.length, events[0]], [4, ": "]);
    assertEquals(
      JSON.parse(events[2]!.slice(6)).error.code,
      "stream_interrupted",
    );
    assertEquals(
      reports.map(({ attempts }) => attempts.map(({ outcome }) => outcome)),
      [["interrupted"]],
    );
  });
});

Deno.test("gateway() responds with the status of an error before the first heartbeat", async () => {
  const cases: [heartbeatMs: number, status: number, startsAt: number][] = [
    [0, 429, 100],
    [101, 429, 100],
    [99, 200, 99],
  ];
  for (const [heartbeatMs, status, startsAt] of cases) {
    await virtualTime(async () => {
      const script = [step.wait(100), wire.status(429)];
      const { handler } = chain([script], { heartbeatMs });
      const response = await handler(chatRequest({ stream: true }));
      assertEquals([response.status, Date.now()], [status, startsAt]);
      await response.text();
    });
  }
});

Deno.test("gateway() reports each call once, with client, attempts, usage and status", async () => {
  const usage = { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 };
  const seen: CallReport[] = [];
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
  const responses: Response[] = [];
  for (const body of [{ stream: true }, {}, { model: "no" }]) {
    const response = await handler(chatRequest(body));
    await response.text();
    responses.push(response);
  }
  const answered = {
    client: "alice",
    model: "chat",
    attempts: ["failed", "completed"],
    usage: { inputTokens: 2, outputTokens: 3, totalTokens: 5 },
    status: 200,
  };
  const expected = [answered, answered, {
    client: "alice",
    model: undefined,
    attempts: [],
    usage: {},
    status: 404,
    error: "GatewayError: The model 'no' does not exist.",
  }];
  assertEquals(
    seen.map(({ durationMs: _, attempts, ...report }) => ({
      ...report,
      attempts: attempts.map(({ outcome }) => outcome as string),
      ...("error" in report && { error: String(report.error) }),
    })),
    expected.map((report, i) => ({
      ...report,
      requestId: responses[i]!.headers.get("x-request-id")!,
    })),
  );
});

Deno.test("gateway() reports why a call failed: what the models threw, or broke off with", async () => {
  const failure = new Error("reset");
  async function* broken() {
    yield { choices: [{ delta: { content: "Half" } }] };
    throw failure;
  }
  for (const stream of [false, true]) {
    const models = { chat: [broken] };
    const { handler, reports } = chain([], { models });
    const response = await handler(chatRequest({ stream }));
    await response.text();
    assertEquals(reports.map(({ status, error }) => [status, error]), [
      [response.status, failure],
    ]);
    assertEquals(response.status, stream ? 200 : 502);
  }
});

Deno.test("gateway() reports in whole milliseconds how long a call took", async () => {
  let now = 1000.25;
  using _ = stub(performance, "now", () => now);
  const { handler, reports } = chain([], {
    models: {
      chat: () => {
        now += 12.5;
        return [];
      },
    },
  });
  await handler(chatRequest());
  assertEquals(reports.map(({ durationMs }) => durationMs), [13]);
});

Deno.test("GatewayCall is left when its client's signal aborts, unless it has ended", () => {
  const start = (signal: AbortSignal) =>
    new GatewayCall({} as ResolvedOptions, "1", undefined, signal, () => {});
  const client = new AbortController();
  const [running, ended] = [start(client.signal), start(client.signal)];
  ended.end(200);
  client.abort();
  assertEquals(ended.hasLeft, false);
  for (const { hasLeft, signal } of [running, start(client.signal)]) {
    assertEquals(
      [hasLeft, String(signal.reason)],
      [true, "AbortError: The client left"],
    );
  }
});

const attempt: Attempt = {
  model: "a",
  modelIndex: 0,
  number: 1,
  startedAt: 5,
  endedAt: 12,
  outcome: "completed",
  chunks: 1,
};
const long = "b".repeat(101);
const cut = "b".repeat(99) + "…";
const report: CallReport = {
  requestId: "1",
  client: undefined,
  model: undefined,
  attempts: [],
  usage: {},
  status: 400,
  durationMs: 3,
};
const logged: [report: CallReport, text: string, json: object][] = [
  [report, "400 - 3 ms request=1", { ...report }],
  [
    { ...report, error: new RangeError("wrong\nhere") },
    "400 - 3 ms error=RangeError: wrong here request=1",
    { ...report, error: "RangeError: wrong here" },
  ],
  [
    { ...report, client: long, model: long },
    `400 ${cut} 3 ms client=${cut} request=1`,
    { ...report, client: long, model: long },
  ],
  [
    {
      ...report,
      client: "alice",
      model: "chat",
      usage: { inputTokens: 1, outputTokens: 2 },
      attempts: [
        { ...attempt, model: long, outcome: "failed", error: new Error("no") },
        { ...attempt, nested: [attempt, { ...attempt, endedAt: undefined! }] },
      ],
    },
    `400 chat 3 ms client=alice inputTokens=1 outputTokens=2 attempts=${cut} failed (Error: no) | a completed | a completed request=1`,
    {
      ...report,
      client: "alice",
      model: "chat",
      usage: { inputTokens: 1, outputTokens: 2 },
      attempts: [
        { model: long, outcome: "failed", durationMs: 7, error: "Error: no" },
        { model: "a", outcome: "completed", durationMs: 7 },
        { model: "a", outcome: "completed" },
      ],
    },
  ],
];

Deno.test("logCalls() writes a line of text or JSON", () => {
  using _ = new FakeTime(0);
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  for (const [report, text, json] of logged) {
    logCalls({ write })(report);
    assertEquals(lines.pop(), text);
    logCalls({ write, format: "json" })(report);
    assertEquals(JSON.parse(lines.pop()!), {
      time: "1970-01-01T00:00:00.000Z",
      ...JSON.parse(JSON.stringify(json)),
    });
  }
  assertEquals(lines, []);
});

Deno.test("logCalls() writes nothing of the question and the answer", async () => {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  for (const format of ["text", "json"] as const) {
    const { handler } = chain([providerError(529), ["Secret answer"]], {
      onCall: logCalls({ format, write }),
    });
    const messages = [{ role: "user", content: "Secret question" }];
    await (await handler(chatRequest({ messages }))).text();
  }
  assertEquals(lines.map((line) => /Secret|\n/.test(line)), [false, false]);
});

Deno.test("logCalls() throws for an invalid option", () => {
  const wrong: [options: object, message: string][] = [
    [
      { formats: "json" },
      "'options.formats' is not an option: known options are 'format', 'write'",
    ],
    [
      { format: "xml" },
      `'options.format' must be "text" or "json": current value is "xml"`,
    ],
    [{ write: 1 }, "'options.write' must be a function: current value is 1"],
  ];
  for (const [options, message] of wrong) {
    const error = assertThrows(() => logCalls(options as never), TypeError);
    assertEquals(error.message, message);
  }
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

Deno.test("gateway() ends each call once, whatever a function of models throws and a listener writes into the records", async () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const throwing = () => {
    throw proxy;
  };
  const breaking = ({ attempt }: { attempt?: unknown }) => {
    if (attempt) Object.assign(attempt, { nested: {} });
  };
  const cases = [
    [{ models: { chat: throwing } }, 500],
    [{ fallback: { onEvent: breaking } }, 200],
  ] as const;
  for (const [options, status] of cases) {
    const reported: number[] = [];
    const { handler } = chain([["Hi"]], {
      ...options,
      maxConcurrent: 1,
      onCall: (report) => reported.push(report.status),
    });
    for (let i = 0; i < 3; i++) {
      const response = await handler(chatRequest({ stream: false }));
      await response.text();
      assertEquals(response.status, status);
    }
    // The limit still holds.
    const responses = await Promise.all(
      [1, 2, 3].map(() => handler(chatRequest({ stream: false }))),
    );
    const statuses = responses.map((response) => response.status);
    assertEquals(statuses.sort(), [status, 503, 503].sort());
    await Promise.all(responses.map((response) => response.body?.cancel()));
    assertEquals(reported.filter((each) => each === status).length, 4);
  }
});
