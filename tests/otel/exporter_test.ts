// What Deno's own exporter sends, as OTLP in JSON over HTTP, from a process that
// only calls `instrument()`.

import { fakeProvider, wire } from "@fallback/stream/testing";
import { assert, assertEquals } from "@std/assert";
import { runSuccessfully } from "../_run_command.ts";

interface Attribute {
  readonly key: string;
  readonly value: {
    readonly stringValue?: string;
    readonly intValue?: string | number;
    readonly doubleValue?: number;
    readonly boolValue?: boolean;
  };
}

interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status?: { readonly code?: number };
}

interface OtlpMetric {
  readonly name: string;
  readonly unit: string;
  readonly histogram?: { readonly dataPoints: readonly OtlpPoint[] };
}

interface OtlpPoint {
  readonly count: string | number;
  readonly explicitBounds: readonly number[];
  readonly attributes: readonly Attribute[];
}

interface Scoped {
  readonly scope?: { readonly name?: string };
}

/** The body of a request of the exporter. */
interface Received {
  readonly resourceSpans?: readonly {
    readonly scopeSpans: readonly (Scoped & { spans: readonly OtlpSpan[] })[];
  }[];
  readonly resourceMetrics?: readonly {
    readonly scopeMetrics: readonly (Scoped & {
      metrics: readonly OtlpMetric[];
    })[];
  }[];
}

/** Runs the script with the exporter. Returns what it has sent. */
async function run(): Promise<{ received: Received[]; texts: string }> {
  const received: Received[] = [];
  let texts = "";
  await using receiver = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const text = await request.text();
      texts += text;
      received.push(JSON.parse(text));
      return Response.json({});
    },
  );
  const answer = { choices: [{ delta: { content: "the answer" } }] };
  const provider = fakeProvider({
    scripts: [
      [wire.status(429, { body: "the question" })],
      [wire.hang()],
      [answer, wire.finish()],
    ],
  });
  await using listening = provider.listen();
  await runSuccessfully(Deno.execPath(), [
    "run",
    "--quiet",
    "--no-prompt",
    "--unstable-otel", // Deno 2.3 asks for it
    "--allow-net=127.0.0.1",
    new URL("_exported.ts", import.meta.url).href,
    listening.baseURL,
  ], {
    env: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver.addr.port}`,
    },
    silenceMs: 20_000,
  });
  return { received, texts };
}

function attributesOf(
  { attributes }: { readonly attributes: readonly Attribute[] },
): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => {
    const { stringValue, intValue, doubleValue, boolValue } = value;
    const number = intValue === undefined ? doubleValue : Number(intValue);
    return [key, stringValue ?? number ?? boolValue];
  }));
}

Deno.test("instrument() exports its spans, with the requests to providers as children, and its metrics with OTEL_DENO=true", async () => {
  const { received, texts } = await run();
  const spans = received.flatMap(({ resourceSpans = [] }) =>
    resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap(({ scope, spans }) =>
        spans.map((span) => ({ scope: scope?.name, span }))
      )
    )
  );
  const childrenOf = (parent: string, indent = ""): string[] =>
    spans.filter(({ span }) => (span.parentSpanId ?? "") === parent)
      .toSorted((a, b) =>
        Number(
          BigInt(a.span.startTimeUnixNano) -
            BigInt(b.span.startTimeUnixNano),
        ) ||
        Number(attributesOf(a.span)["fallback.attempt"] ?? 0) -
          Number(attributesOf(b.span)["fallback.attempt"] ?? 0)
      )
      .flatMap(({ scope, span }) => [
        `${indent}${span.name} by ${scope}, status ${span.status?.code ?? 0}`,
        ...childrenOf(span.spanId, `${indent}  `),
      ]);
  assertEquals(childrenOf(""), [
    "chat by @fallback/stream, status 0",
    "  chat gpt by @fallback/stream, status 2",
    "    POST by deno, status 2",
    "  chat claude by @fallback/stream, status 2",
    "    POST by deno, status 2",
    "  chat llama by @fallback/stream, status 0",
    "    POST by deno, status 0",
  ]);
  const [traceId, ...others] = new Set(spans.map(({ span }) => span.traceId));
  assertEquals([traceId?.length, others], [32, []]);
  for (const { span } of spans) {
    const { startTimeUnixNano: from, endTimeUnixNano: to } = span;
    assert(BigInt(from) <= BigInt(to));
    assert(Math.abs(Number(BigInt(to) / 1_000_000n) - Date.now()) < 60_000);
  }
  const named = (name: string) =>
    attributesOf(spans.find(({ span }) => span.name === name)!.span);
  const {
    "gen_ai.response.time_to_first_chunk": seconds,
    "gen_ai.response.finish_reasons": _,
    "server.port": port,
    ...llama
  } = named("chat llama");
  assertEquals(Number(port) > 0, true);
  assertEquals(typeof seconds, "number");
  assertEquals(llama, {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "127.0.0.1",
    "server.address": "127.0.0.1",
    "fallback.model": "llama",
    "gen_ai.request.model": "llama",
    "gen_ai.request.stream": true,
    "gen_ai.response.model": "llama",
    "fallback.attempt": 3,
    "fallback.outcome": "completed",
  });
  assertEquals(named("chat gpt")["error.type"], "429");
  assertEquals(named("chat claude")["error.type"], "ModelTimeoutError");
  const { "fallback.time_to_first_content": waited, ...call } = named("chat");
  assertEquals(typeof waited, "number");
  assertEquals(call, {
    "gen_ai.operation.name": "chat",
    "gen_ai.response.model": "llama",
    "fallback.attempts": 3,
    "fallback.outcome": "completed",
  });

  // The latest of each: a slow process may send them twice.
  const metrics = new Map(
    received.flatMap(({ resourceMetrics = [] }) =>
      resourceMetrics.flatMap(({ scopeMetrics }) =>
        scopeMetrics.filter(({ scope }) => scope?.name === "@fallback/stream")
          .flatMap(({ metrics }) => metrics)
          .map((metric) => [metric.name, metric] as const)
      )
    ),
  );
  const counts = (name: string) =>
    metrics.get(name)?.histogram?.dataPoints.map((point) => [
      attributesOf(point)["fallback.outcome"],
      Number(point.count),
    ]).toSorted();
  assertEquals(counts("gen_ai.client.inference.duration"), [
    ["completed", 1],
    ["failed", 1],
    ["failed", 1],
  ]);
  assertEquals(counts("gen_ai.client.inference.time_to_first_chunk"), [
    [undefined, 1],
  ]);
  assertEquals(counts("fallback.call.duration"), [["completed", 1]]);
  assertEquals(counts("fallback.call.attempts"), [["completed", 1]]);
  const { unit, histogram } = metrics.get("gen_ai.client.inference.duration")!;
  assertEquals(unit, "s");
  assertEquals(histogram!.dataPoints[0]!.explicitBounds[0], 0.01);
  for (const text of ["the question", "the answer", "a secret"]) {
    assert(!texts.includes(text), text);
  }
});
