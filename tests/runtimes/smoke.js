// What a user does with the package, in plain JavaScript, so that any runtime
// can run it as it is. It prints a line for each promise, and how many it kept.
// The clocks are an hour long: were one left behind, the process would not end.

import {
  AllModelsFailedError,
  attemptsOf,
  fallbackModel,
  fallbackStream,
  formatAttempts,
} from "@fallback/stream";
import { fallbackLanguageModel } from "@fallback/stream/ai-sdk";
import { continueStream } from "@fallback/stream/continue";
import { memoryHealth } from "@fallback/stream/health";
import { kvHealth } from "@fallback/stream/kv";
import { openaiModel } from "@fallback/stream/openai";
import { instrument } from "@fallback/stream/otel";
import { sseResponse } from "@fallback/stream/sse";
import {
  contract,
  createJournal,
  fail,
  fakeModel,
  fakeProvider,
  hang,
  status,
  virtualTime,
  wait,
} from "@fallback/stream/testing";

const HOUR = 3_600_000;
const timeouts = {
  openMs: HOUR,
  firstContentMs: HOUR,
  idleMs: HOUR,
  totalMs: HOUR,
  closeMs: HOUR,
};

/** Both as JSON, for no assertion library is everywhere. */
function equal(actual, expected) {
  const [is, should] = [actual, expected].map((value) => JSON.stringify(value));
  if (is !== should) throw new Error(`it is ${is}, and should be ${should}`);
}

/** What a call throws or rejects with, in one line. */
async function complaintOf(call) {
  try {
    await call();
  } catch (error) {
    return String(error);
  }
  return "nothing";
}

/** `ReadableStream.from` is not everywhere either. */
function streamOf(parts) {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
}

const cases = contract({ continueStream, fallbackModel, fallbackStream });

const promises = {
  async [`all ${cases.length} cases of the contract hold`]() {
    const broken = [];
    for (const { name, run } of cases) {
      await run().catch((error) => broken.push(`${name}: ${error}`));
    }
    equal(broken, []);
  },

  async "an hour of virtual time passes at once"() {
    const model = fakeModel("slow", [wait(HOUR), "Hello"]);
    const now = await virtualTime(async () => {
      await using stream = await fallbackStream([model], "hi");
      equal(await Array.fromAsync(stream), ["Hello"]);
      return Date.now();
    });
    equal(now, HOUR);
  },

  async "a provider that refuses falls back to one that answers"() {
    const overloaded = fakeProvider([status(529)]);
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

  async "where nobody answers, the error says why"() {
    const models = ["a", "b"].map((name) =>
      fakeModel(name, [fail(new Error(`${name} is down`))])
    );
    const error = await fallbackStream(models, "hi", { timeouts })
      .catch((error) => error);
    equal(error instanceof AllModelsFailedError, true);
    equal(error.message, "All models failed: a: a is down; b: b is down");
    equal(attemptsOf(error).length, 2);
  },

  async "the end of a block closes the model's stream"() {
    const journal = createJournal();
    for (const kind of ["generator", "iterable", "readable"]) {
      const model = fakeModel(kind, ["a", hang()], { journal, kind });
      {
        await using stream = await fallbackStream([model], "hi", { timeouts });
        equal(await stream.next(), { done: false, value: "a" });
      }
    }
    journal.assertClean();
  },

  async "an abort reaches the provider's connection"() {
    const provider = fakeProvider(["Hel", hang()]);
    const model = openaiModel({ model: "gpt", fetch: provider.fetch });
    const controller = new AbortController();
    const { signal } = controller;
    await using stream = await fallbackStream([model], { messages: [] }, {
      signal,
      timeouts,
    });
    await stream.next();
    controller.abort(new Error("enough"));
    equal(await complaintOf(() => stream.next()), "Error: enough");
    await provider.calls[0].closed;
    equal(provider.calls[0].outcome, "closed by the client");
  },

  async "an answer is served as events, to its end"() {
    const model = fakeModel("a", ["Hel", "lo"]);
    const stream = await fallbackStream([model], "hi", { timeouts });
    const text = await sseResponse(stream, { heartbeatMs: HOUR }).text();
    equal(text.startsWith('data: "Hel"\n\ndata: "lo"\n\nevent: done\n'), true);
  },

  async "a client that leaves closes the model's stream"() {
    const journal = createJournal();
    const model = fakeModel("a", ["Hel", hang()], { journal });
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

  async "a cut answer is continued"() {
    const cut = fakeModel("cut", ["Once ", fail(new Error("reset"))]);
    const next = fakeModel("next", ["upon"]);
    await using stream = await continueStream([cut, next], "hi", {
      resume: ({ chunks }) => chunks.join(""),
      timeouts,
    });
    equal(await Array.fromAsync(stream), ["Once ", "upon"]);
  },

  async "a model that is down is skipped"() {
    const health = memoryHealth({ failures: 1 });
    const down = fakeModel("down", [fail(new Error("down"))]);
    const up = fakeModel("up", ["Hello"]);
    for (const outcome of ["failed", "skipped"]) {
      await using stream = await fallbackStream([down, up], "hi", { health });
      equal(await Array.fromAsync(stream), ["Hello"]);
      equal(stream.attempts[0].outcome, outcome);
    }
  },

  async "a chain is a language model of the AI SDK"() {
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

  async "a call is instrumented where no SDK is registered"() {
    const onEvent = instrument();
    const model = fakeModel("a", ["Hello"]);
    await using stream = await fallbackStream([model], "hi", { onEvent });
    equal(await Array.fromAsync(stream), ["Hello"]);
  },

  async "what cannot work here says so at the first call"() {
    equal(
      await complaintOf(() => kvHealth()),
      "TypeError: 'kv' must be a Deno.Kv: current value is undefined",
    );
    if ("Deno" in globalThis) return;
    equal(
      await complaintOf(() => fakeProvider([]).listen()),
      "TypeError: Cannot listen as only Deno can: give 'fetch' to your client instead",
    );
  },
};

let passed = 0;
for (const [promise, keep] of Object.entries(promises)) {
  try {
    await keep();
    passed++;
    console.log(`passed  ${promise}`);
  } catch (error) {
    console.log(`failed  ${promise}: ${error}`);
  }
}
const failed = Object.keys(promises).length - passed;
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0) throw new Error("A promise is broken");
