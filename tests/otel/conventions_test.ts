// What is sent, compared with the conventions and with docs/telemetry.md.

import { fallbackStream, type Model } from "@fallback/stream";
import { continueStream } from "@fallback/stream/continue";
import {
  type ChatChunk,
  type ChatRequest,
  openaiModel,
} from "@fallback/stream/openai";
import { instrument } from "@fallback/stream/otel";
import {
  fakeModel,
  fakeProvider,
  step,
  virtualTime,
} from "@fallback/stream/testing";
import type { Attributes } from "@opentelemetry/api";
import { assert, assertEquals } from "@std/assert";
import { errorTypeOf, providerAttributes } from "../../src/otel/_providers.ts";
import { collectGarbage } from "../_heap_used.ts";
import { type Instrument, Sdk } from "./_sdk.ts";
import type { Stream } from "./_span_cases.ts";

/**
 * The attributes that are sent, with their types, from
 * `open-telemetry/semantic-conventions-genai` at commit 024a4f9.
 */
const ATTRIBUTES: Record<string, "string" | "number" | "boolean" | "array"> = {
  "gen_ai.operation.name": "string",
  "gen_ai.provider.name": "string",
  "gen_ai.request.model": "string",
  "gen_ai.request.stream": "boolean",
  "gen_ai.response.model": "string",
  "gen_ai.response.finish_reasons": "array",
  "gen_ai.response.time_to_first_chunk": "number",
  "gen_ai.usage.input_tokens": "number",
  "gen_ai.usage.output_tokens": "number",
  "gen_ai.usage.cache_read.input_tokens": "number",
  "gen_ai.usage.reasoning.output_tokens": "number",
  "server.address": "string",
  "server.port": "number",
  "error.type": "string",
  // Version 1.41 of the conventions: still what most dashboards read.
  "gen_ai.token.type": "string",
};

/** Our own attributes, with their types. */
const OWN_ATTRIBUTES: typeof ATTRIBUTES = {
  "fallback.model": "string",
  "fallback.attempt": "number",
  "fallback.outcome": "string",
  "fallback.attempts": "number",
  "fallback.time_to_first_content": "number",
  "fallback.continued": "boolean",
  "fallback.needed": "boolean",
  "fallback.delay": "number",
};

/** The metrics of the conventions that are sent, with their units. */
const METRICS: Record<string, string> = {
  "gen_ai.client.inference.duration": "s",
  "gen_ai.client.inference.time_to_first_chunk": "s",
  "gen_ai.client.inference.time_per_output_chunk": "s",
  "gen_ai.client.inference.usage.input_tokens": "{token}",
  "gen_ai.client.inference.usage.output_tokens": "{token}",
  // Version 1.41 of the conventions.
  "gen_ai.client.token.usage": "{token}",
};

const SECONDS = [
  ...[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64],
  ...[1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
];

/** The buckets of the metrics: those of the conventions, and our own. */
const BOUNDS: Record<string, readonly number[]> = {
  "gen_ai.client.inference.duration": SECONDS,
  "gen_ai.client.inference.time_to_first_chunk": SECONDS,
  "gen_ai.client.inference.time_per_output_chunk": [
    ...[0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5],
  ],
  "gen_ai.client.token.usage": [
    ...[1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144],
    ...[1_048_576, 4_194_304, 16_777_216, 67_108_864],
  ],
  "fallback.call.duration": SECONDS,
  "fallback.call.time_to_first_content": SECONDS,
  "fallback.call.attempts": [1, 2, 3, 4, 5, 6, 8, 10, 15, 20],
};

const DOCS = await Deno.readTextFile(
  new URL("../../docs/telemetry.md", import.meta.url),
);

function typeOf(value: unknown): string {
  return Array.isArray(value) ? "array" : typeof value;
}

/** What is sent in one call with everything that can be recorded. */
async function sendEverything(sdk: Sdk): Promise<void> {
  const usage = () => ({
    inputTokens: 5,
    outputTokens: 2,
    cachedInputTokens: 1,
    reasoningTokens: 1,
  });
  const { fetch } = fakeProvider(["a", "b", "c"]);
  const refused = Object.assign(new Error("busy"), { status: 529 });
  const content = { choices: [{ delta: { content: "a" } }] };
  const breaks = step.fail(new TypeError("reset"));
  const models: Model<ChatRequest, ChatChunk>[] = [
    fakeModel("skipped", [content]),
    fakeModel("refuses", [step.fail(refused)]),
    fakeModel("breaks", [content, step.wait(10), breaks]),
    fakeModel("hangs", [step.hang()]),
    { ...openaiModel({ model: "answers", fetch }), usage },
  ];
  const options = {
    onEvent: instrument(),
    health: {
      admit: (name: string) => ({ admit: name !== "skipped", retryAt: 1e12 }),
      report: () => {},
    },
    retry: { maxAttempts: 2, minDelayMs: 1 },
    hedge: { afterMs: 50 },
    timeouts: { firstContentMs: 100 },
  };
  await virtualTime(async () => {
    await using stream = await continueStream(models, { messages: [] }, {
      ...options,
      resume: ({ request }) => request,
    });
    await Array.fromAsync(stream);
    // Nothing else is left, so it is called all the same, and closes its circuit.
    await using other = await fallbackStream(models.slice(0, 1), {
      messages: [],
    }, options);
    await Array.fromAsync(other);
  });
  assert(sdk.spans().length > 0);
}

/** The cells of a table of the page, one row per name in backquotes. */
function rowsOf(heading: string): string[][] {
  const section = DOCS.slice(DOCS.indexOf(heading)).split("\n\n| ")[1]!;
  return section.split("\n\n")[0]!.split("\n").slice(2).map((row) =>
    row.split("|").slice(1, -1).map((cell) => cell.trim().replaceAll("`", ""))
  );
}

Deno.test("instrument() sends the attributes of the conventions and of docs/telemetry.md, with their types, and no others", async () => {
  await using sdk = new Sdk();
  await sendEverything(sdk);
  const sent: Record<string, string> = {};
  const add = (attributes: Attributes = {}) => {
    for (const [name, value] of Object.entries(attributes)) {
      const type = typeOf(value);
      assertEquals([name, sent[name] ??= type], [name, type]);
    }
  };
  for (const span of sdk.spans()) {
    add(span.attributes);
    for (const event of span.events) add(event.attributes);
  }
  for (const points of Object.values(await sdk.metrics())) {
    for (const { attributes } of points) add(attributes);
  }
  const documented = rowsOf("Own attributes").map(([name]) => name!);
  assertEquals(documented.toSorted(), Object.keys(OWN_ATTRIBUTES).toSorted());
  assertEquals(sent, { ...ATTRIBUTES, ...OWN_ATTRIBUTES });
});

Deno.test("instrument() sends the metrics of docs/telemetry.md, with their units, descriptions and buckets, and no others", async () => {
  await using sdk = new Sdk();
  await sendEverything(sdk);
  const sent = Object.entries(await sdk.instruments());
  const documented = rowsOf("## Metrics").map(([name, unit, meaning]) => [
    name,
    unit,
    // What follows says more than the description.
    meaning![0]!.toUpperCase() + meaning!.split(";")[0]!.slice(1),
  ]);
  assertEquals(
    sent.map(([name, each]) => [name, each.unit, each.description]).toSorted(),
    documented.toSorted(),
  );
  const standard = sent.filter(([name]) => !name.startsWith("fallback."))
    .map(([name, { unit }]) => [name, unit]);
  assertEquals(Object.fromEntries(standard), METRICS);
  const bounds = sent.filter(([, { bounds }]) => bounds)
    .map(([name, { bounds }]) => [name, bounds]);
  assertEquals(Object.fromEntries(bounds), BOUNDS);
});

/** The names that the Prometheus exporter gives to a metric. */
function prometheusNames(name: string, { unit, bounds }: Instrument): string[] {
  const base = name.replaceAll(".", "_") + (unit === "s" ? "_seconds" : "");
  return bounds
    ? ["bucket", "count", "sum"].map((suffix) => `${base}_${suffix}`)
    : [`${base}_total`];
}

Deno.test("docs/telemetry.md has six queries, whose metrics exist and have the labels of the query", async () => {
  await using sdk = new Sdk();
  await sendEverything(sdk);
  const labels = new Map<string, Set<string>>();
  const points = await sdk.metrics();
  for (const [name, instrument] of Object.entries(await sdk.instruments())) {
    const own = points[name]!.flatMap(({ attributes }) =>
      Object.keys(attributes).map((key) => key.replaceAll(".", "_"))
    );
    if (instrument.bounds) own.push("le");
    for (const exported of prometheusNames(name, instrument)) {
      labels.set(exported, new Set(own));
    }
  }
  const queries = Array.from(DOCS.matchAll(/```promql\n(.*?)```/gs));
  assertEquals(queries.length, 6);
  for (const [, query] of queries) {
    const lists = /by \(([\w, ]*)\)/g;
    const grouped = Array.from(query!.matchAll(lists))
      .flatMap(([, list]) => list!.split(/, */));
    const metrics = query!.replaceAll(lists, "")
      .replaceAll("histogram_quantile", "").matchAll(/(\w*_\w*)(\{.*?\})?/g);
    for (const [, name, selector = ""] of metrics) {
      assert(labels.has(name!), `There is no metric ${name}: ${query}`);
      const selected = selector.match(/\w+(?=[!=])/g) ?? [];
      for (const label of [...grouped, ...selected]) {
        assert(labels.get(name!)!.has(label), `${name} has no label ${label}`);
      }
    }
  }
});

Deno.test("instrument() ends the spans of a stream that nobody closes as abandoned, and records no durations", async () => {
  await using sdk = new Sdk();
  const onEvent = instrument();
  const call = async (read: (stream: Stream) => Promise<unknown>) => {
    const usage = () => ({ outputTokens: 2 });
    const model = { ...fakeModel("a", ["x", "y", "z"]), usage };
    await read(await fallbackStream([model], "hi", { onEvent }));
  };
  await call((stream) => Array.fromAsync(stream));
  const before = await sdk.metrics();
  await call((stream) => stream.next());
  const hasEnded = () => {
    try {
      return sdk.spans().length === 4;
    } catch {
      return false;
    }
  };
  // One collection may not be enough.
  for (let turn = 0; turn < 200 && !hasEnded(); turn++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const outcomes = sdk.spans().map(({ attributes }) =>
    attributes["fallback.outcome"]
  );
  assertEquals(outcomes, ["completed", "completed", "abandoned", "abandoned"]);
  const changed = Object.entries(await sdk.metrics())
    .filter(([name, points]) => points.length > before[name]!.length);
  assertEquals(changed.map(([name]) => name).toSorted(), [
    "fallback.call.attempts",
    "gen_ai.client.inference.usage.output_tokens",
    "gen_ai.client.token.usage",
  ]);
});

Deno.test("errorTypeOf() returns a status, a code or a name, else _OTHER", () => {
  const named = (name: string) => Object.assign(new Error("x"), { name });
  type Case = [error: unknown, status: number | undefined, expected: string];
  const cases: Case[] = [
    [new Error("x"), 529, "529"],
    ...[100, 599].map((status): Case => [new Error("x"), status, `${status}`]),
    ...[99, 200.5, 600].map((
      status,
    ): Case => [new Error("x"), status, "Error"]),
    [new TypeError("x"), undefined, "TypeError"],
    [
      new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } }),
      undefined,
      "ECONNREFUSED",
    ],
    [{ code: "A", cause: { code: "B" }, name: "C" }, undefined, "A"],
    [{ code: 1, name: "C" }, undefined, "C"],
    [named("x".repeat(64)), undefined, "x".repeat(64)],
    [named("bad key sk-SECRET"), undefined, "_OTHER"],
    [named("x".repeat(65)), undefined, "_OTHER"],
    [named("NaN"), undefined, "_OTHER"],
    [named("12345.678"), undefined, "_OTHER"],
    [undefined, undefined, "_OTHER"],
    [Proxy.revocable({}, {}).proxy, undefined, "_OTHER"],
  ];
  for (const [error, status, expected] of cases) {
    assertEquals(errorTypeOf(error, status), expected);
  }
});

Deno.test("providerAttributes() returns the well-known name of a host, else the host", () => {
  const cases: Record<string, [string, string?, number?]> = {
    "openai": ["openai", "api.openai.com", 443],
    "openai.chat": ["openai"],
    "anthropic.messages": ["anthropic"],
    "api.groq.com": ["groq", "api.groq.com", 443],
    "my.openai.azure.com": ["azure.ai.openai", "my.openai.azure.com", 443],
    "my.services.ai.azure.com": [
      "azure.ai.inference",
      "my.services.ai.azure.com",
      443,
    ],
    "eu-de.ml.cloud.ibm.com": ["ibm.watsonx.ai", "eu-de.ml.cloud.ibm.com", 443],
    "api.mistral.ai": ["mistral_ai", "api.mistral.ai", 443],
    "localhost:11434": ["localhost", "localhost", 11434],
    "127.0.0.1:8080": ["127.0.0.1", "127.0.0.1", 8080],
    "[::1]:8080": ["::1", "::1", 8080],
    "ollama:11434": ["ollama", "ollama", 11434],
    "openai.internal": ["openai.internal", "openai.internal", 443],
    "cerebras.chat": ["cerebras"],
    "lm-studio.chat": ["lm-studio"],
    "vertex.anthropic.messages": ["gcp.vertex_ai"],
    "google.vertex.chat": ["gcp.vertex_ai"],
    "fakes": ["fakes"],
  };
  for (const [provider, [name, address, port]] of Object.entries(cases)) {
    assertEquals(providerAttributes(provider), {
      "gen_ai.provider.name": name,
      ...(address !== undefined && { "server.address": address }),
      ...(port !== undefined && { "server.port": port }),
    });
  }
  assertEquals(providerAttributes(undefined), {});
});
