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
        "gen_ai.request.model": "gpt",
        "gen_ai.request.stream": true,
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

Deno.test("metrics count calls, attempts, times to first content and hedges", async () => {
  await using sdk = new Sdk();
  const onEvent = instrument();
  await virtualTime(async () => {
    const read = async (options = {}) => {
      const all = { ...options, onEvent };
      await using stream = await fallbackStream(models(), SECRETS[0], all);
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
  const chat = { "gen_ai.operation.name": "chat" };
  const gpt = {
    ...chat,
    "gen_ai.request.model": "gpt",
    "gen_ai.provider.name": "openai",
  };
  const failed = { "fallback.outcome": "failed", "error.type": "529" };
  const llama = {
    ...chat,
    "gen_ai.request.model": "llama",
    "gen_ai.response.model": "llama",
  };
  const answered = { ...chat, "gen_ai.response.model": "llama" };
  const completed = { "fallback.outcome": "completed" };
  const cancelled = { "fallback.outcome": "cancelled" };
  const exhausted = {
    "fallback.outcome": "failed",
    "error.type": "AllModelsFailedError",
  };
  assertEquals(await sdk.metrics(), {
    "gen_ai.client.operation.duration": [
      { attributes: { ...gpt, ...failed }, count: 3, sum: 0.3 },
      { attributes: { ...llama, ...completed }, count: 3, sum: 0.15 },
      {
        attributes: { ...gpt, "fallback.outcome": "lost" },
        count: 1,
        sum: 0.09,
      },
      {
        attributes: { ...chat, "gen_ai.request.model": "hangs", ...cancelled },
        count: 1,
        sum: 1,
      },
    ],
    "gen_ai.client.operation.time_to_first_chunk": [
      { attributes: llama, count: 3, sum: 0.15 },
    ],
    "fallback.call.duration": [
      { attributes: { ...answered, ...completed }, count: 3, sum: 0.39 },
      { attributes: { ...chat, ...cancelled }, count: 1, sum: 1 },
      { attributes: { ...chat, ...exhausted }, count: 1, sum: 0.1 },
    ],
    "fallback.call.attempts": [
      { attributes: { ...answered, ...completed }, count: 3, sum: 6 },
      { attributes: { ...chat, ...cancelled }, count: 1, sum: 1 },
      { attributes: { ...chat, ...exhausted }, count: 1, sum: 1 },
    ],
    "fallback.hedges": [
      { attributes: { "gen_ai.request.model": "gpt" }, sum: 1 },
    ],
  });
  // From 10 ms, each twice the one before.
  const seconds = Array.from({ length: 14 }, (_, i) => 2 ** i / 100);
  assertEquals(await sdk.scales(), {
    "gen_ai.client.operation.duration": { unit: "s", bounds: seconds },
    "gen_ai.client.operation.time_to_first_chunk": {
      unit: "s",
      bounds: seconds,
    },
    "fallback.call.duration": { unit: "s", bounds: seconds },
    "fallback.call.attempts": {
      unit: "{attempt}",
      bounds: [1, 2, 3, 4, 5, 6, 8, 10, 15, 20],
    },
    "fallback.hedges": { unit: "{hedge}", bounds: undefined },
  });
});
