// When a caller aborts or stops reading, the stream is closed and there is no
// fallback. With any model, the SDK keeps one branch of a `tee()` open when a caller
// breaks out of a loop; only an `abortSignal` or `totalMs` closes it.

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

const stallsAfterContent: Script<Part> = [
  ...OPENING,
  delta("Hel"),
  step.hang(),
];
const never = answer("never");

/** The only call; it must be of the first model. */
function onlyCall({ calls }: Journal) {
  assertEquals(calls.map(({ model }) => model), ["a"]);
  return calls[0]!;
}

testSdk(
  "streamText() ends on an abort before content, without a fallback",
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
      assert(onlyCall(journal).signal.aborted);
      journal.assertClean();
    });
  },
);

testSdk(
  "streamText() closes the model's stream at once on an abort after content",
  async (sdk) => {
    await virtualTime(async () => {
      const journal = createJournal();
      const model = chainOf(sdk, [stallsAfterContent, never], {}, journal);
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
      assertStrictEquals(
        onlyCall(journal).signal.reason,
        controller.signal.reason,
      );
      journal.assertClean();
    });
  },
);

testSdk(
  "doStream() errors its stream with the reason of an abort",
  async (sdk) => {
    const journal = createJournal();
    const model = chainOf(sdk, [stallsAfterContent, never], {}, journal);
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

testSdk(
  "doStream() and doGenerate() call no model when the signal has already aborted",
  async (sdk) => {
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
  },
);

testSdk(
  "generateText() rejects on an abort when the model ignores its signal",
  async (sdk) => {
    await virtualTime(async () => {
      const ignoresAbort = new sdk.Mock({
        modelId: "ignores-abort",
        doGenerate: () => new Promise(() => {}),
      });
      const next = scripted(sdk, "next", never);
      const controller = new AbortController();
      const reason = new Error("enough");
      setTimeout(() => controller.abort(reason), 100);
      const error = await assertRejects(() =>
        sdk.ai.generateText({
          model: fallbackLanguageModel([ignoresAbort, next]),
          prompt: "Hi",
          abortSignal: controller.signal,
        })
      );
      assertStrictEquals(error, reason);
      assertEquals(next.requests, []);
      assert(ignoresAbort.doGenerateCalls[0]?.abortSignal?.aborted);
    });
  },
);

testSdk(
  "doStream() closes the model's stream when its stream is cancelled, without a fallback",
  async (sdk) => {
    const journal = createJournal();
    const model = chainOf(sdk, [stallsAfterContent, never], {}, journal);
    const { stream } = await model.doStream(REQUEST);
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel();
    assertEquals(onlyCall(journal).closes, ["cancel"]);
    journal.assertClean();
  },
);

for (const view of ["textStream", "fullStream"] as const) {
  testSdk(
    `streamText() closes the model's stream on an abort after a break out of ${view}`,
    async (sdk) => {
      await virtualTime(async () => {
        const journal = createJournal();
        const model = chainOf(sdk, [stallsAfterContent, never], {}, journal);
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
        onlyCall(journal);
        controller.abort();
        await delay(1);
        assertEquals(onlyCall(journal).closes, ["cancel"]);
        journal.assertClean();
      });
    },
  );
}

testSdk(
  "totalMs closes the model's stream after a break out of textStream",
  async (sdk) => {
    await virtualTime(async () => {
      const journal = createJournal();
      const model = chainOf(sdk, [stallsAfterContent, never], {
        timeouts: { totalMs: 60_000 },
      }, journal);
      const { textStream } = sdk.ai.streamText({
        model,
        prompt: "Hi",
        onError: () => {},
      });
      for await (const _ of textStream) break;
      await delay(60_001);
      assertInstanceOf(onlyCall(journal).signal.reason, ModelTimeoutError);
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
    `${response}() closes the model's stream when the client disconnects`,
    async (sdk) => {
      const journal = createJournal();
      const model = chainOf(
        sdk,
        [
          [step.fail(new Error("overloaded"))],
          stallsAfterContent,
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

Deno.test("AI SDK 7: a break out of experimental_streamTextLowMemory().textStream closes the model's stream", async () => {
  await virtualTime(async () => {
    const journal = createJournal();
    const model = chainOf(sdk7, [stallsAfterContent, never], {}, journal);
    const result = sdk7.ai.experimental_streamTextLowMemory({
      model,
      prompt: "Hi",
    });
    for await (const _ of result.textStream) break;
    await delay(1);
    assertEquals(onlyCall(journal).closes, ["cancel"]);
    journal.assertClean();
  });
});

testSdk(
  "ToolLoopAgent closes the model's stream on an abort",
  async (sdk) => {
    await virtualTime(async () => {
      const journal = createJournal();
      const agent = new sdk.ai.ToolLoopAgent({
        model: chainOf(sdk, [stallsAfterContent, never], {}, journal),
      });
      const controller = new AbortController();
      const { textStream } = await agent.stream({
        prompt: "Hi",
        abortSignal: controller.signal,
      });
      for await (const _ of textStream) controller.abort();
      await delay(1);
      assertEquals(onlyCall(journal).closes, ["cancel"]);
      journal.assertClean();
    });
  },
);
