// How far ahead of its caller a chain reads: not at all. The SDK reads ahead in
// its own pipeline, 7 some parts and 6 all it can get; a chain adds nothing.

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
  "doStream's stream is pulled exactly as often as it is read",
  async (sdk) => {
    for (const [script, ours] of [[long, 1], [named, 0]] as const) {
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
          // What was held is not pulled again, nor is a part of ours.
          assertEquals(pullsOf(journal), Math.max(reads - ours, preamble + 1));
        }
        await reader.cancel();
        journal.assertClean();
      });
    }
  },
);

/** How often a model is pulled when so many parts are read from a view of it. */
async function pulls(
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
    `${view} of a chain pulls as often as that of the model alone`,
    async (sdk) => {
      for (const reads of [0, 1, 2, 10, 50]) {
        const bare = await pulls(sdk, view, reads, false);
        assertEquals(await pulls(sdk, view, reads, true), bare);
        if (sdk.major === 7) assertLess(bare, reads + 20);
      }
    },
  );
}
