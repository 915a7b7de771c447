// A chain does not read ahead of its caller. The pipeline of the SDK does: AI SDK 7
// reads a few parts ahead, and 6 reads without limit. The chain does not add to that.

import { fallbackLanguageModel } from "@fallback/stream/ai-sdk";
import {
  createJournal,
  type Journal,
  virtualTime,
} from "@fallback/stream/testing";
import { assertEquals, assertLess } from "@std/assert";
import { delay } from "@std/async/delay";
import {
  answer,
  type Part,
  REQUEST,
  scripted,
  type Sdk,
  testSdk,
} from "./_sdk.ts";

const PIECES = 300;
const long = answer(...Array.from({ length: PIECES }, (_, i) => `${i} `));
const named: Part[] = [
  { type: "response-metadata", modelId: "a-2026" },
  ...long,
];

function pullsOf({ entries }: Journal): number {
  return entries.filter(({ type }) => type === "pull").length;
}

testSdk(
  "doStream() pulls the model only when its stream is read",
  async (sdk) => {
    for (const [script, added] of [[long, 1], [named, 0]] as const) {
      await virtualTime(async () => {
        const journal = createJournal();
        const model = fallbackLanguageModel([
          scripted(sdk, "a", script, { journal }),
        ]);
        const { stream } = await model.doStream(REQUEST);
        await delay(1);
        const preamble = script.findIndex(({ type }) => type === "text-delta");
        assertEquals(pullsOf(journal), preamble + 1);
        const reader = stream.getReader();
        for (let reads = 1; reads <= 100; reads++) {
          await reader.read();
          await delay(1);
          // Buffered parts are not pulled again, nor is the added part.
          assertEquals(pullsOf(journal), Math.max(reads - added, preamble + 1));
        }
        await reader.cancel();
        journal.assertClean();
      });
    }
  },
);

/** How often a model is pulled when `reads` parts are read from a stream of the result. */
async function countPulls(
  sdk: Sdk,
  view: "textStream" | "fullStream",
  reads: number,
  chained: boolean,
): Promise<number> {
  return await virtualTime(async () => {
    const journal = createJournal();
    const bare = scripted(sdk, "a", named, { journal });
    const model = chained ? fallbackLanguageModel([bare]) : bare;
    const result = sdk.ai.streamText({ model, prompt: "Hi" });
    const reader = (result[view] as ReadableStream<unknown>).getReader();
    for (let i = 0; i < reads; i++) await reader.read();
    await delay(1);
    return pullsOf(journal);
  });
}

for (const view of ["textStream", "fullStream"] as const) {
  testSdk(
    `streamText().${view} pulls a chain as often as a single model`,
    async (sdk) => {
      for (const reads of [0, 1, 2, 10, 50]) {
        const bare = await countPulls(sdk, view, reads, false);
        assertEquals(await countPulls(sdk, view, reads, true), bare);
        if (sdk.major === 7) assertLess(bare, reads + 20);
      }
    },
  );
}
