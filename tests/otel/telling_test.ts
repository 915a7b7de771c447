// What is told beside the shape of the spans: attributes, messages, metrics.

import { fallbackModel, fallbackStream } from "@fallback/stream";
import { instrument } from "@fallback/stream/otel";
import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { assertEquals, assertRejects } from "@std/assert";
import { Sdk } from "./_sdk.ts";

const SECRETS = ["the question", "the answer", "quoted: the question"];
const overloaded = Object.assign(new Error(SECRETS[2]), { status: 529 });

/** A model that fails and one that answers. */
function models() {
  return [
    fakeModel("gpt", [step.wait(100), step.fail(overloaded)], {
      provider: "openai",
    }),
    fakeModel("llama", [
      step.wait(20),
      step.open(),
      step.wait(30),
      "",
      "the answer",
    ], {
      isContent: (chunk) => chunk !== "",
    }),
  ];
}

Deno.test("attributes have the names of the semantic conventions", async () => {
  await using sdk = new Sdk();
  await virtualTime(async () => {
    const onEvent = instrument();
    const options = { onEvent };
    await using stream = await fallbackStream(models(), SECRETS[0], options);
    await Array.fromAsync(stream);
  });
  const told = sdk.spans().map(({ name, kind, attributes, status }) => ({
    name,
    kind,
    attributes,
    status,
  }));
  assertEquals(told, [
    {
      name: "chat gpt",
      kind: SpanKind.CLIENT,
      attributes: {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "server.address": "api.openai.com",
        "server.port": 443,
        "gen_ai.request.model": "gpt",
        "gen_ai.request.stream": true,
        "fallback.model": "gpt",
        "fallback.attempt": 1,
        "fallback.outcome": "failed",
        "error.type": "529",
      },
      status: { code: SpanStatusCode.ERROR },
    },
    {
      name: "chat llama",
      kind: SpanKind.CLIENT,
      attributes: {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "llama",
        "gen_ai.request.stream": true,
        "fallback.model": "llama",
        "gen_ai.response.model": "llama",
        "gen_ai.response.time_to_first_chunk": 0.05,
        "fallback.attempt": 2,
        "fallback.outcome": "completed",
      },
      status: { code: SpanStatusCode.UNSET },
    },
    {
      name: "chat",
      kind: SpanKind.INTERNAL,
      attributes: {
        "gen_ai.operation.name": "chat",
        "gen_ai.response.model": "llama",
        "fallback.time_to_first_content": 0.15,
        "fallback.attempts": 2,
        "fallback.outcome": "completed",
      },
      status: { code: SpanStatusCode.UNSET },
    },
  ]);
  const [{ instrumentationScope }] = sdk.spans() as [
    ReturnType<
      typeof sdk.spans
    >[number],
  ];
  assertEquals(instrumentationScope.name, "@fallback/stream");
});

Deno.test("another operation names the spans, the attributes and the metrics", async () => {
  await using sdk = new Sdk();
  await virtualTime(async () => {
    const onEvent = instrument({ operation: "generate_content" });
    const options = { onEvent };
    await using stream = await fallbackStream(models(), SECRETS[0], options);
    await Array.fromAsync(stream);
  });
  const names = sdk.spans().map(({ name, attributes }) => [
    name,
    attributes["gen_ai.operation.name"],
  ]);
  assertEquals(names, [
    ["generate_content gpt", "generate_content"],
    ["generate_content llama", "generate_content"],
    ["generate_content", "generate_content"],
  ]);
  for (const [name, points] of Object.entries(await sdk.metrics())) {
    for (const { attributes } of points) {
      const operation = attributes["gen_ai.operation.name"];
      assertEquals([name, operation], [name, "generate_content"]);
    }
  }
});

Deno.test("the response's model is the innermost that answers", async () => {
  await using sdk = new Sdk();
  await virtualTime(async () => {
    const chain = fallbackModel(models());
    const options = { onEvent: instrument() };
    await using stream = await fallbackStream([chain], SECRETS[0], options);
    await Array.fromAsync(stream);
  });
  const told = sdk.spans().map(({ attributes }) => [
    attributes["gen_ai.request.model"],
    attributes["gen_ai.response.model"],
  ]);
  assertEquals(told, [
    ["fallback:gpt,llama", "llama"],
    [undefined, "llama"],
  ]);
});

for (const recordErrors of [undefined, false, true]) {
  Deno.test(`what was asked and answered is told nowhere, errors' messages only where asked for: ${recordErrors}`, async () => {
    await using sdk = new Sdk();
    await virtualTime(async () => {
      const onEvent = instrument({ recordErrors });
      const options = { onEvent };
      await using stream = await fallbackStream(models(), SECRETS[0], options);
      await Array.fromAsync(stream);
      const [failing] = models();
      const cut = fakeModel("cut", ["the answer", step.fail(SECRETS[2])]);
      await assertRejects(() =>
        fallbackStream([failing!], SECRETS[0]!, options)
      );
      await using other = await fallbackStream([cut], SECRETS[0], options);
      await Array.fromAsync(other).catch(() => {});
    });
    const spans = sdk.spans().map(
      ({ name, attributes, status, events, links }) => ({
        name,
        attributes,
        status,
        events,
        links,
      }),
    );
    const everything = JSON.stringify([spans, await sdk.metrics()]);
    assertEquals(everything.includes("quoted"), recordErrors === true);
    // The question is a part of the message.
    const rest = everything.replaceAll(SECRETS[2]!, "");
    assertEquals(rest.includes("the question"), false);
    assertEquals(rest.includes("the answer"), false);
    if (!recordErrors) return;
    const [failed, , , , , cut] = spans;
    assertEquals(failed!.status.message, SECRETS[2]);
    const [{ name, attributes }] = failed!.events as [
      (typeof spans)[number]["events"][number],
    ];
    assertEquals([name, attributes?.["exception.message"]], [
      "exception",
      SECRETS[2],
    ]);
    assertEquals(cut!.events[0]!.attributes, {
      "exception.message": SECRETS[2],
    });
  });
}

Deno.test("instrument() counts calls, attempts, the wait of callers, tokens and hedges", async () => {
  await using sdk = new Sdk();
  const onEvent = instrument();
  await virtualTime(async () => {
    const withUsage = () => {
      const [gpt, llama] = models();
      const usage = (chunk: string) =>
        chunk === "" ? { inputTokens: 12 } : { outputTokens: 3 };
      return [gpt!, { ...llama!, usage }];
    };
    const read = async (options = {}) => {
      const all = { ...options, onEvent };
      await using stream = await fallbackStream(withUsage(), SECRETS[0], all);
      await Array.fromAsync(stream);
    };
    await read();
    await read();
    // llama is opened after 40 ms, and has content after another 50.
    await read({ hedge: { afterMs: 40 } });
    const never = { signal: AbortSignal.timeout(1000), onEvent };
    const hangs = fakeModel("hangs", [step.hang()]);
    await fallbackStream([hangs], SECRETS[0], never).catch(() => {});
    const [gpt] = models();
    await fallbackStream([gpt!], SECRETS[0], { onEvent }).catch(() => {});
  });
  const metrics = await sdk.metrics();
  const points = (name: string) =>
    metrics[name]?.map(({ attributes, count, sum }) =>
      [
        attributes["fallback.model"] ?? "call",
        attributes["fallback.outcome"],
        attributes["fallback.needed"],
        attributes["gen_ai.token.type"],
        attributes["error.type"],
        count,
        sum,
      ].filter((value) => value !== undefined).join(" ")
    ).toSorted();
  assertEquals(points("gen_ai.client.inference.duration"), [
    "gpt failed 529 3 0.3",
    "gpt lost 1 0.09",
    "hangs cancelled 1 1",
    "llama completed 3 0.15",
  ]);
  assertEquals(points("gen_ai.client.inference.time_to_first_chunk"), [
    "llama 3 0.15",
  ]);
  assertEquals(points("gen_ai.client.token.usage"), [
    "llama completed input 3 36",
    "llama completed output 3 9",
  ]);
  assertEquals(points("gen_ai.client.inference.usage.input_tokens"), [
    "llama completed 36",
  ]);
  assertEquals(points("gen_ai.client.inference.usage.output_tokens"), [
    "llama completed 9",
  ]);
  assertEquals(points("fallback.call.duration"), [
    "call cancelled 1 1",
    "call completed 3 0.39",
    "call failed 529 1 0.1",
  ]);
  assertEquals(points("fallback.call.time_to_first_content"), [
    "call true 3 0.39",
  ]);
  assertEquals(points("fallback.call.attempts"), [
    "call cancelled 1 1",
    "call completed 3 6",
    "call failed 529 1 1",
  ]);
  assertEquals(points("fallback.hedges"), ["gpt 1"]);
  assertEquals(points("fallback.hedges.won"), ["llama 1"]);
});
