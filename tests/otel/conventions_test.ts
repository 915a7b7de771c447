import { type FallbackEvent, fallbackStream } from "@fallback/stream";
import { instrument } from "@fallback/stream/otel";
import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
import { assert, assertEquals } from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { errorTypeOf, providerAttributes } from "../../src/otel/_providers.ts";
import { Sdk } from "./_sdk.ts";

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

/** The metrics that are sent, with their units. */
const METRICS: Record<string, string> = {
  "gen_ai.client.inference.duration": "s",
  "gen_ai.client.inference.time_to_first_chunk": "s",
  "gen_ai.client.inference.time_per_output_chunk": "s",
  "gen_ai.client.inference.usage.input_tokens": "{token}",
  "gen_ai.client.inference.usage.output_tokens": "{token}",
  // Version 1.41 of the conventions.
  "gen_ai.client.token.usage": "{token}",
};

const DOCS = await Deno.readTextFile(
  new URL("../../docs/telemetry.md", import.meta.url),
);

function typeOf(value: unknown): string {
  return Array.isArray(value) ? "array" : typeof value;
}

/** Plays one call with everything that can be recorded. */
async function playEverything(): Promise<void> {
  const usage = () => ({
    inputTokens: 5,
    outputTokens: 2,
    cachedInputTokens: 1,
    reasoningTokens: 1,
  });
  const refused = Object.assign(new Error("busy"), { status: 529 });
  const models = [
    { ...fakeModel("skipped", ["no"]), usage },
    { ...fakeModel("refused", [step.fail(refused)]), provider: "api.groq.com" },
    fakeModel("hung", [step.hang()]),
    { ...fakeModel("answers", [step.wait(10), "a", "b", "c"]), usage },
  ];
  const health = {
    admit: (model: string) =>
      model === "skipped"
        ? { admit: false, retryAt: 1e12 } as const
        : { admit: true } as const,
    report: () => {},
  };
  await using stream = await fallbackStream(models, "hi", {
    onEvent: instrument(),
    health,
    retry: { maxAttempts: 2, minDelayMs: 1 },
    hedge: { afterMs: 50 },
    timeouts: { firstContentMs: 100 },
  });
  await Array.fromAsync(stream);
}

Deno.test("instrument() sends only names, types and units of the conventions, or its own that are documented", async () => {
  await using sdk = new Sdk();
  await virtualTime(playEverything);
  const attributes = sdk.spans().flatMap((span) =>
    Object.entries(span.attributes)
  );
  for (const [name, points] of Object.entries(await sdk.metrics())) {
    attributes.push(
      ...points.flatMap((point) => Object.entries(point.attributes)),
    );
    if (name.startsWith("fallback.")) {
      assert(DOCS.includes(`\`${name}\``), name);
    } else assert(name in METRICS, name);
  }
  for (const [name, value] of attributes) {
    if (name.startsWith("fallback.")) {
      assert(DOCS.includes(`\`${name}\``), name);
    } else assertEquals([name, typeOf(value)], [name, ATTRIBUTES[name]]);
  }
  for (const [name, { unit }] of Object.entries(await sdk.scales())) {
    if (name in METRICS) assertEquals([name, unit], [name, METRICS[name]]);
  }
});

Deno.test("docs/telemetry.md has six queries, which name only metrics that exist", async () => {
  await using sdk = new Sdk();
  await virtualTime(playEverything);
  const exported = new Set(
    Object.keys(await sdk.metrics()).map((name) => name.replaceAll(".", "_")),
  );
  const queries = Array.from(
    DOCS.matchAll(/```promql\n(.*?)```/gs),
    ([, query]) => query!,
  );
  assertEquals(queries.length, 6);
  for (const query of queries) {
    for (const [name] of query.matchAll(/\b(fallback|gen_ai)_[a-z_]+/g)) {
      const metric = name.replace(/_(seconds)?_?(bucket|count|sum|total)$/, "")
        .replace(/_seconds$/, "");
      const isLabel =
        /^(fallback_(model|outcome|needed)|gen_ai_(request_model|token_type))$/
          .test(name);
      assert(isLabel || exported.has(metric), `${name} in ${query}`);
    }
  }
});

Deno.test("a stream that nobody closes ends its span, which says so", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  await using sdk = new Sdk();
  const onEvent = instrument();
  const abandon = async () => {
    const stream = await fallbackStream([fakeModel("a", ["x", "y"])], "hi", {
      onEvent,
    });
    await stream.next();
  };
  await abandon();
  const hasEnded = () => {
    try {
      return sdk.spans().length === 2;
    } catch {
      return false;
    }
  };
  // A garbage collector cannot be waited for; it can be asked again.
  for (let turn = 0; turn < 200 && !hasEnded(); turn++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const outcomes = sdk.spans().map(({ attributes }) =>
    attributes["fallback.outcome"]
  );
  assertEquals(outcomes.toSorted(), ["abandoned", "streaming"]);
});

Deno.test("a listener sees the AsyncLocalStorage of its call in every event", async () => {
  const storage = new AsyncLocalStorage<string>();
  const seen = new Set<string | undefined>();
  const types = new Set<string>();
  // Fake time would call timers outside of their context, so these are real.
  const models = [
    fakeModel("a", [step.wait(1), step.fail(1)]),
    fakeModel("b", [step.wait(30), "b0", step.wait(1), "b1"]),
    fakeModel("c", [step.hang()]),
  ];
  const onEvent = ({ type }: FallbackEvent) => {
    types.add(type);
    seen.add(storage.getStore());
  };
  await storage.run("request 1", async () => {
    await using stream = await fallbackStream(models, "hi", {
      onEvent,
      retry: { maxAttempts: 2, minDelayMs: 1 },
      hedge: { afterMs: 5 },
    });
    await Array.fromAsync(stream);
  });
  assertEquals([...seen], ["request 1"]);
  for (
    const type of ["started", "failed", "retrying", "hedging", "committed"]
  ) {
    assert(types.has(type), type);
  }
});

Deno.test("error.type is a status, a code or a name, and else _OTHER", () => {
  const named = (name: string) => Object.assign(new Error("x"), { name });
  const cases: [unknown, number | undefined, string][] = [
    [new Error("x"), 529, "529"],
    [new Error("x"), 12345.678, "Error"],
    [new TypeError("x"), undefined, "TypeError"],
    [
      new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } }),
      undefined,
      "ECONNREFUSED",
    ],
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

Deno.test("gen_ai.provider.name is the well-known name of a host, else the host", () => {
  const cases: Record<string, [string, string?, number?]> = {
    "openai": ["openai", "api.openai.com", 443],
    "openai.chat": ["openai"],
    "anthropic.messages": ["anthropic"],
    "api.groq.com": ["groq", "api.groq.com", 443],
    "my.openai.azure.com": ["azure.ai.openai", "my.openai.azure.com", 443],
    "api.mistral.ai": ["mistral_ai", "api.mistral.ai", 443],
    "localhost:11434": ["localhost", "localhost", 11434],
    "127.0.0.1:8080": ["127.0.0.1", "127.0.0.1", 8080],
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
