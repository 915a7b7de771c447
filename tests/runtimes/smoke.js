// Uses the package like users do, in plain JavaScript, so that every runtime can run
// this file. Prints a line for each check, and how many passed. Its timeouts are an
// hour long: if one is left, the process does not exit.

import {
  AllModelsFailedError,
  attemptsOf,
  fallbackModel,
  fallbackStream,
  formatAttempts,
  mapModel,
} from "@fallback/stream";
import { fallbackLanguageModel } from "@fallback/stream/ai-sdk";
import { continueStream } from "@fallback/stream/continue";
import { bearerKeys, gateway } from "@fallback/stream/gateway";
import { memoryHealth } from "@fallback/stream/health";
import { kvHealth } from "@fallback/stream/kv";
import { trackLatency } from "@fallback/stream/latency";
import { openaiModel } from "@fallback/stream/openai";
import { instrument } from "@fallback/stream/otel";
import { redisHealth } from "@fallback/stream/redis";
import { sseResponse } from "@fallback/stream/sse";
import {
  createJournal,
  fakeModel,
  fakeProvider,
  step,
  virtualTime,
  wire,
} from "@fallback/stream/testing";
// @ts-ignore: _bundle_contract.ts creates it.
import { contract } from "./contract.js";

const HOUR = 3_600_000;
const timeouts = {
  openMs: HOUR,
  firstContentMs: HOUR,
  idleMs: HOUR,
  totalMs: HOUR,
  closeMs: HOUR,
};

/** Compares both as JSON, because no assertion library is in every runtime. */
function equal(actual, expected) {
  const [is, should] = [actual, expected].map((value) => JSON.stringify(value));
  if (is !== should) throw new Error(`expected ${should}, got ${is}`);
}

/** The error that a call throws or rejects with, as text. */
async function errorOf(call) {
  try {
    await call();
  } catch (error) {
    return String(error);
  }
  return "no error";
}

/** `ReadableStream.from` is not in every runtime. */
function streamOf(parts) {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
}

const cases = contract({ continueStream, fallbackModel, fallbackStream });

const checks = {
  async [
    `fallbackStream() passes all ${cases.length} cases of the contract`
  ]() {
    const failed = [];
    for (const { name, run } of cases) {
      await run().catch((error) => failed.push(`${name}: ${error}`));
    }
    equal(failed, []);
  },

  async "virtualTime() advances an hour without waiting"() {
    const model = fakeModel("slow", [step.wait(HOUR), "Hello"]);
    const now = await virtualTime(async () => {
      await using stream = await fallbackStream([model], "hi");
      equal(await Array.fromAsync(stream), ["Hello"]);
      return Date.now();
    });
    equal(now, HOUR);
  },

  async "fallbackStream() falls back on an error response of a provider"() {
    const overloaded = fakeProvider([wire.status(529)]);
    const steady = fakeProvider(["Good", " morning"]);
    const models = [overloaded, steady].map(({ fetch }, i) =>
      openaiModel({ model: `model-${i}`, fetch })
    );
    const messages = [{ role: "user", content: "Say good morning." }];
    await using stream = await fallbackStream(models, { messages }, {
      timeouts,
    });
    let text = "";
    for await (const { choices } of stream) {
      text += choices[0]?.delta?.content ?? "";
    }
    equal(text, "Good morning");
    equal(stream.attempts.map(({ error }) => error?.status), [529, null]);
    equal(steady.calls[0].outcome, "completed");
    equal(formatAttempts(stream.attempts).split("\n").length, 2);
  },

  async "AllModelsFailedError has the error of each model"() {
    const models = ["a", "b"].map((name) =>
      fakeModel(name, [step.fail(new Error(`${name} is down`))])
    );
    const error = await fallbackStream(models, "hi", { timeouts })
      .catch((error) => error);
    equal(error instanceof AllModelsFailedError, true);
    equal(error.message, "All models failed:\na: a is down\nb: b is down");
    equal(attemptsOf(error).length, 2);
  },

  async "mapModel() converts requests and chunks"() {
    const model = mapModel(fakeModel("a", ["1", "2"]), {
      request: (request) => `${request}!`,
      chunk: Number,
    });
    await using stream = await fallbackStream([model], "hi", { timeouts });
    equal(await Array.fromAsync(stream), [1, 2]);
  },

  async "fallbackStream() closes the model's stream at the end of an 'await using' block"() {
    const journal = createJournal();
    for (const kind of ["generator", "iterable", "readable"]) {
      const model = fakeModel(kind, ["a", step.hang()], { journal, kind });
      {
        await using stream = await fallbackStream([model], "hi", { timeouts });
        equal(await stream.next(), { done: false, value: "a" });
      }
    }
    journal.assertClean();
  },

  async "fallbackStream() closes the provider's connection on an abort"() {
    const provider = fakeProvider(["Hel", step.hang()]);
    const model = openaiModel({ model: "gpt", fetch: provider.fetch });
    const controller = new AbortController();
    const { signal } = controller;
    await using stream = await fallbackStream([model], { messages: [] }, {
      signal,
      timeouts,
    });
    await stream.next();
    controller.abort(new Error("enough"));
    equal(await errorOf(() => stream.next()), "Error: enough");
    await provider.calls[0].closed;
    equal(provider.calls[0].outcome, "aborted");
  },

  async "sseResponse() sends a complete answer"() {
    const model = fakeModel("a", ["Hel", "lo"]);
    const stream = await fallbackStream([model], "hi", { timeouts });
    const text = await sseResponse(stream, { heartbeatMs: HOUR }).text();
    equal(text.startsWith('data: "Hel"\n\ndata: "lo"\n\nevent: done\n'), true);
  },

  async "sseResponse() closes the model's stream when the client disconnects"() {
    const journal = createJournal();
    const model = fakeModel("a", ["Hel", step.hang()], { journal });
    const stream = await fallbackStream([model], "hi", { timeouts });
    const { body } = sseResponse(stream, { heartbeatMs: HOUR });
    const reader = body.getReader();
    equal(
      new TextDecoder().decode((await reader.read()).value),
      'data: "Hel"\n\n',
    );
    await reader.cancel();
    journal.assertClean();
  },

  async "continueStream() continues an interrupted answer"() {
    const first = fakeModel("a", ["Once ", step.fail(new Error("reset"))]);
    const next = fakeModel("b", ["upon"]);
    await using stream = await continueStream([first, next], "hi", {
      resume: ({ chunks }) => chunks.join(""),
      timeouts,
    });
    equal(await Array.fromAsync(stream), ["Once ", "upon"]);
  },

  async "memoryHealth() skips a model that is down"() {
    const health = memoryHealth({ failureThreshold: 1 });
    const down = fakeModel("down", [step.fail(new Error("down"))]);
    const up = fakeModel("up", ["Hello"]);
    for (const outcome of ["failed", "skipped"]) {
      await using stream = await fallbackStream([down, up], "hi", { health });
      equal(await Array.fromAsync(stream), ["Hello"]);
      equal(stream.attempts[0].outcome, outcome);
    }
  },

  async "redisHealth() fails no call without a server"() {
    const health = redisHealth(() => Promise.reject(new Error("refused")));
    const model = fakeModel("a", ["Hello"]);
    await using stream = await fallbackStream([model], "hi", { health });
    equal(await Array.fromAsync(stream), ["Hello"]);
  },

  async "trackLatency() learns from calls"() {
    const latency = trackLatency({ minSamples: 1 });
    const limits = { min: 1, max: HOUR, initial: HOUR };
    const firstContentMs = latency.quantile(0.95, limits);
    const model = fakeModel("a", [step.wait(100), "Hello"]);
    await virtualTime(async () => {
      await using stream = await fallbackStream([model], "hi", {
        onEvent: latency,
        timeouts: { firstContentMs },
      });
      equal(await Array.fromAsync(stream), ["Hello"]);
    });
    equal(Math.abs(firstContentMs("a") - 100) < 10, true);
  },

  async "gateway() answers a client of the chat-completions protocol"() {
    const { fetch } = fakeProvider(["Good", " morning"]);
    const handler = gateway({
      models: { chat: [openaiModel({ model: "gpt", fetch })] },
      authorize: bearerKeys("for-alice-4f8a2c91"),
      heartbeatMs: HOUR,
    });
    const post = (stream, key) =>
      handler(
        new Request("http://localhost/v1/chat/completions", {
          method: "POST",
          headers: {
            "authorization": `Bearer ${key}`,
            "content-type": "application/json",
          },
          body: JSON.stringify({
            model: "chat",
            messages: [{ role: "user", content: "Hi" }],
            stream,
          }),
        }),
      );
    equal((await post(false, "another-key-12345")).status, 401);
    const whole = await (await post(false, "for-alice-4f8a2c91")).json();
    equal(whole.choices[0].message.content, "Good morning");
    const text = await (await post(true, "for-alice-4f8a2c91")).text();
    equal(text.endsWith("data: [DONE]\n\n"), true);
  },

  async "fallbackLanguageModel() is a language model of the AI SDK"() {
    const parts = [
      { type: "text-delta", id: "1", delta: "Hello" },
      { type: "finish", finishReason: { unified: "stop" }, usage: {} },
    ];
    const models = ["down", "up"].map((modelId) => ({
      specificationVersion: "v4",
      provider: "fake",
      modelId,
      supportedUrls: {},
      doStream() {
        if (modelId === "down") throw new Error("down");
        return { stream: streamOf(parts) };
      },
    }));
    const { stream } = await fallbackLanguageModel(models, { timeouts })
      .doStream({ prompt: [] });
    const types = (await Array.fromAsync(stream)).map(({ type }) => type);
    equal(types.includes("text-delta"), true);
  },

  async "instrument() changes nothing without a registered SDK"() {
    const onEvent = instrument();
    const model = fakeModel("a", ["Hello"]);
    await using stream = await fallbackStream([model], "hi", { onEvent });
    equal(await Array.fromAsync(stream), ["Hello"]);
  },

  async "kvHealth() and listen() throw with the name of a missing API"() {
    const error = await errorOf(() => kvHealth());
    equal(error.startsWith("TypeError: 'kv' must be a Deno.Kv"), true);
    if ("Deno" in globalThis) return;
    equal(
      await errorOf(() => fakeProvider([]).listen()),
      "TypeError: Cannot listen as only Deno can: give 'fetch' to your client instead",
    );
  },
};

let passed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    passed++;
    console.log(`passed  ${name}`);
  } catch (error) {
    console.log(`failed  ${name}: ${error}`);
  }
}
const failed = Object.keys(checks).length - passed;
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0) throw new Error(`${failed} checks failed`);
