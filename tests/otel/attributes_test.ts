// The attributes of spans and metrics, and what they must not reveal.

import { fallbackModel, fallbackStream, type Model } from "@fallback/stream";
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
  wire,
} from "@fallback/stream/testing";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
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

Deno.test("instrument() sets these attributes on the spans of a call with a fallback", async () => {
  await using sdk = new Sdk();
  await virtualTime(async () => {
    const onEvent = instrument();
    const options = { onEvent };
    await using stream = await fallbackStream(models(), SECRETS[0], options);
    await Array.fromAsync(stream);
  });
  const actual = sdk.spans().map(({ name, kind, attributes, status }) => ({
    name,
    kind,
    attributes,
    status,
  }));
  assertEquals(actual, [
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

Deno.test("instrument() uses the option operation in the names of spans and in all attributes", async () => {
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

Deno.test("gen_ai.response.model of a nested chain is the model that answers", async () => {
  await using sdk = new Sdk();
  await virtualTime(async () => {
    const chain = fallbackModel(models());
    const options = { onEvent: instrument() };
    await using stream = await fallbackStream([chain], SECRETS[0], options);
    await Array.fromAsync(stream);
  });
  const actual = sdk.spans().map(({ attributes }) => [
    attributes["gen_ai.request.model"],
    attributes["gen_ai.response.model"],
  ]);
  assertEquals(actual, [
    ["fallback:gpt,llama", "llama"],
    [undefined, "llama"],
  ]);
});

Deno.test("gen_ai.request.model is the modelId of a model, and gen_ai.response.model what the server says, if they are known", async () => {
  await using sdk = new Sdk();
  const { fetch } = fakeProvider([
    { model: "gpt-5-2026", choices: [{ delta: { content: "x" } }] },
    wire.finish("length"),
  ]);
  const fast = { name: "fast", model: "gpt-5", baseURL: "http://a:1" };
  await virtualTime(async () => {
    const options = { onEvent: instrument() };
    const models: Model<ChatRequest, ChatChunk>[] = [
      openaiModel({ ...fast, fetch }),
      {
        ...fakeModel("fast", [{ choices: [{ delta: { content: "x" } }] }]),
        modelId: "gpt-5",
      },
    ];
    for (const model of models) {
      const request = { messages: [] };
      await using stream = await fallbackStream([model], request, options);
      await Array.fromAsync(stream);
    }
  });
  const actual = sdk.spans().map(({ name, attributes }) => [
    name,
    attributes["fallback.model"],
    attributes["gen_ai.request.model"],
    attributes["gen_ai.response.model"],
    attributes["gen_ai.response.finish_reasons"],
  ]);
  assertEquals(actual, [
    ["chat gpt-5", "fast", "gpt-5", "gpt-5-2026", ["length"]],
    ["chat", undefined, undefined, "gpt-5-2026", undefined],
    ["chat gpt-5", "fast", "gpt-5", "gpt-5", undefined],
    ["chat", undefined, undefined, "gpt-5", undefined],
  ]);
});

Deno.test("instrument() rejects unknown options", () => {
  const { message } = assertThrows(
    () => instrument({ operations: "chat" } as never),
    TypeError,
  );
  assertEquals(
    message,
    "'options.operations' is not an option: known options are 'operation', 'recordErrors'",
  );
});

for (const recordErrors of [undefined, false, true]) {
  Deno.test(`instrument() records no prompt and no answer, and messages of errors only with recordErrors: ${recordErrors}`, async () => {
    await using sdk = new Sdk();
    await virtualTime(async () => {
      const onEvent = instrument({ recordErrors });
      const options = { onEvent };
      await using stream = await fallbackStream(models(), SECRETS[0], options);
      await Array.fromAsync(stream);
      const [failing] = models();
      const interrupted = fakeModel("interrupted", [
        "the answer",
        step.fail(SECRETS[2]),
      ]);
      await assertRejects(() =>
        fallbackStream([failing!], SECRETS[0]!, options)
      );
      await using other = await fallbackStream(
        [interrupted],
        SECRETS[0],
        options,
      );
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
    const [failed, , , , , interrupted] = spans;
    assertEquals(failed!.status.message, SECRETS[2]);
    const [{ name, attributes }] = failed!.events as [
      (typeof spans)[number]["events"][number],
    ];
    assertEquals([name, attributes?.["exception.message"]], [
      "exception",
      SECRETS[2],
    ]);
    assertEquals(interrupted!.events[0]!.attributes, {
      "exception.message": SECRETS[2],
    });
  });
}
