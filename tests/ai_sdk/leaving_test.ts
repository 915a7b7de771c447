// A caller who leaves: nothing falls back on it, and what was opened is closed.
// The SDK itself keeps one arm of a `tee()` open when a caller breaks, with any
// model: an `abortSignal` or `totalMs` is what ends that.

import { attemptsOf, ModelTimeoutError } from "@fallback/stream";
import { fallbackLanguageModel } from "@fallback/stream/ai-sdk";
import {
  createJournal,
  type Journal,
  type Script,
  step,
  virtualTime,
} from "@fallback/stream/testing";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import {
  answer,
  chainOf,
  delta,
  OPENING,
  type Part,
  REQUEST,
  scripted,
  sdk7,
  START,
  testSdk,
} from "./_sdk.ts";

const stalls: Script<Part> = [...OPENING, delta("Hel"), step.hang()];
const never = answer("never");

/** What became of the only model that was asked. */
function only({ calls }: Journal) {
  assertEquals(calls.map(({ model }) => model), ["a"]);
  return calls[0]!;
}

testSdk(
  "an abort before content ends streamText, and nothing falls back",
  async (sdk) => {
    await virtualTime(async () => {
      const journal = createJournal();
      const model = chainOf(sdk, [[START, step.hang()], never], {}, journal);
      const controller = new AbortController();
      const { fullStream } = sdk.ai.streamText({
        model,
        prompt: "Hi",
        abortSignal: journal.watch(controller.signal),
        onError: () => {},
      });
      setTimeout(() => controller.abort(), 100);
      const parts = await Array.fromAsync(fullStream);
      assertEquals(parts.at(-1)?.type, "abort");
      assert(only(journal).signal.aborted);
      journal.assertClean();
    });
  },
);

testSdk(
  "an abort in mid-answer closes the model's stream at once",
  async (sdk) => {
    await virtualTime(async () => {
      const journal = createJournal();
      const model = chainOf(sdk, [stalls, never], {}, journal);
      const controller = new AbortController();
      const { fullStream } = sdk.ai.streamText({
        model,
        prompt: "Hi",
        abortSignal: journal.watch(controller.signal),
      });
      const seen: string[] = [];
      for await (const part of fullStream) {
        seen.push(part.type);
        if (part.type === "text-delta") controller.abort();
      }
      assertEquals(seen.slice(-2), ["text-delta", "abort"]);
      assertStrictEquals(only(journal).signal.reason, controller.signal.reason);
      journal.assertClean();
    });
  },
);

testSdk(
  "an abort ends a reader of doStream's stream with its reason",
  async (sdk) => {
    const journal = createJournal();
    const model = chainOf(sdk, [stalls, never], {}, journal);
    const controller = new AbortController();
    const { stream } = await model.doStream({
      ...REQUEST,
      abortSignal: journal.watch(controller.signal),
    });
    const reading = Array.fromAsync(stream);
    const reason = new Error("enough");
    controller.abort(reason);
    const error = await assertRejects(() => reading);
    assertStrictEquals(error, reason);
    assertEquals(attemptsOf(error)[0]?.outcome, "cancelled");
    journal.assertClean();
  },
);

testSdk("a signal that has aborted opens nothing", async (sdk) => {
  const journal = createJournal();
  const model = chainOf(sdk, [never], {}, journal);
  const reason = new Error("too late");
  const request = { ...REQUEST, abortSignal: AbortSignal.abort(reason) };
  assertStrictEquals(
    await assertRejects(() => model.doStream(request)),
    reason,
  );
  assertStrictEquals(
    await assertRejects(() => model.doGenerate(request)),
    reason,
  );
  assertEquals(journal.calls, []);
});

testSdk(
  "an abort ends generateText, though the model ignores it",
  async (sdk) => {
    await virtualTime(async () => {
      const deaf = new sdk.Mock({
        modelId: "deaf",
        doGenerate: () => new Promise(() => {}),
      });
      const next = scripted(sdk, "next", never);
      const controller = new AbortController();
      const reason = new Error("enough");
      setTimeout(() => controller.abort(reason), 100);
      const error = await assertRejects(() =>
        sdk.ai.generateText({
          model: fallbackLanguageModel([deaf, next]),
          prompt: "Hi",
          abortSignal: controller.signal,
        })
      );
      assertStrictEquals(error, reason);
      assertEquals(next.asked, []);
      assert(deaf.doGenerateCalls[0]?.abortSignal?.aborted);
    });
  },
);

testSdk(
  "cancelling doStream's stream closes the model's, and asks no other",
  async (sdk) => {
    const journal = createJournal();
    const model = chainOf(sdk, [stalls, never], {}, journal);
    const { stream } = await model.doStream(REQUEST);
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel();
    assertEquals(only(journal).closes, ["cancel"]);
    journal.assertClean();
  },
);

for (const view of ["textStream", "fullStream"] as const) {
  testSdk(
    `leaving ${view} asks no other model, and an abort then closes this one`,
    async (sdk) => {
      await virtualTime(async () => {
        const journal = createJournal();
        const model = chainOf(sdk, [stalls, never], {}, journal);
        const controller = new AbortController();
        const result = sdk.ai.streamText({
          model,
          prompt: "Hi",
          abortSignal: journal.watch(controller.signal),
        });
        for await (const part of result[view]) {
          if (view === "textStream" || Object(part).type === "text-delta") {
            break;
          }
        }
        await delay(1);
        only(journal);
        controller.abort();
        await delay(1);
        assertEquals(only(journal).closes, ["cancel"]);
        journal.assertClean();
      });
    },
  );
}

testSdk(
  "totalMs closes a model's stream that the SDK was left with",
  async (sdk) => {
    await virtualTime(async () => {
      const journal = createJournal();
      const model = chainOf(sdk, [stalls, never], {
        timeouts: { totalMs: 60_000 },
      }, journal);
      const { textStream } = sdk.ai.streamText({
        model,
        prompt: "Hi",
        onError: () => {},
      });
      for await (const _ of textStream) break;
      await delay(60_001);
      assertInstanceOf(only(journal).signal.reason, ModelTimeoutError);
      journal.assertClean();
    });
  },
);

for (
  const response of [
    "toTextStreamResponse",
    "toUIMessageStreamResponse",
  ] as const
) {
  testSdk(
    `a client that disconnects from a ${response} closes the model's stream`,
    async (sdk) => {
      const journal = createJournal();
      const model = chainOf(
        sdk,
        [
          [step.fail(new Error("overloaded"))],
          stalls,
          never,
        ],
        {},
        journal,
      );
      const ended = Promise.withResolvers<void>();
      await using server = Deno.serve({
        hostname: "127.0.0.1",
        port: 0,
        onListen() {},
      }, (request) => {
        const result = sdk.ai.streamText({
          model,
          prompt: "Hi",
          abortSignal: request.signal,
          onAbort: () => ended.resolve(),
        });
        return result[response]();
      });
      const client = new AbortController();
      const { body } = await fetch(`http://127.0.0.1:${server.addr.port}`, {
        signal: client.signal,
      });
      const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
      for (let text = ""; !text.includes("Hel");) {
        text += (await reader.read()).value;
      }
      client.abort();
      await assertRejects(() => reader.read());
      await deadline(ended.promise, 10_000);
      assertEquals(journal.calls.map(({ model, closes }) => [model, closes]), [
        ["a", []],
        ["b", ["cancel"]],
      ]);
      journal.assertClean();
    },
  );
}

Deno.test("AI SDK 7: leaving the only view of a low-memory stream closes the model's", async () => {
  await virtualTime(async () => {
    const journal = createJournal();
    const model = chainOf(sdk7, [stalls, never], {}, journal);
    const result = sdk7.ai.experimental_streamTextLowMemory({
      model,
      prompt: "Hi",
    });
    for await (const _ of result.textStream) break;
    await delay(1);
    assertEquals(only(journal).closes, ["cancel"]);
    journal.assertClean();
  });
});

testSdk(
  "leaving an agent's stream with an abort closes the model's",
  async (sdk) => {
    await virtualTime(async () => {
      const journal = createJournal();
      const agent = new sdk.ai.ToolLoopAgent({
        model: chainOf(sdk, [stalls, never], {}, journal),
      });
      const controller = new AbortController();
      const { textStream } = await agent.stream({
        prompt: "Hi",
        abortSignal: controller.signal,
      });
      for await (const _ of textStream) controller.abort();
      await delay(1);
      assertEquals(only(journal).closes, ["cancel"]);
      journal.assertClean();
    });
  },
);
