// This library, both ways: `fallbackStream`, and `fallbackLanguageModel` for those who
// use the AI SDK.

import config from "../../deno.json" with { type: "json" };
import {
  attemptsOf,
  type FallbackOptions,
  fallbackStream,
  hasStatus,
} from "@fallback/stream";
import { fallbackLanguageModel } from "@fallback/stream/ai-sdk";
import { continueStream } from "@fallback/stream/continue";
import { memoryHealth } from "@fallback/stream/health";
import { fakeModel } from "@fallback/stream/testing";
import type { Chunk, Library, Needs, Spec } from "./_library.ts";
import { bareModels, chunksOf, languageModel, request } from "./_sdk.ts";

type Options = Pick<
  FallbackOptions<unknown, unknown>,
  "timeouts" | "retry" | "fallbackOn" | "health" | "hedge"
>;

function optionsFor(need: Needs): Options {
  const { timeouts, attempts, only5xx, memory, hedgeMs } = need;
  return {
    timeouts,
    retry: attempts ? { maxAttempts: attempts, minDelayMs: 1 } : undefined,
    fallbackOn: only5xx ? hasStatus("5xx") : undefined,
    health: memory ? memoryHealth() : undefined,
    hedge: hedgeMs === undefined ? undefined : { afterMs: hedgeMs },
  };
}

function isContent({ kind }: Chunk): boolean {
  return kind === "text";
}

/** As for our own models: an error event is thrown. */
function isFinal({ kind, error }: Chunk): boolean {
  if (kind === "error") throw error;
  return kind === "final";
}

export const ours: Library = {
  name: "ours",
  version: config.version,
  module: import.meta.url,
  ways: [
    {
      name: "fallbackStream",
      label: "ours",
      entry: "fallback_stream.ts",
      bare: (sources) => () => fallbackStream(sources, "Hi"),
      make(specs, journal, need) {
        const models = specs.map(({ name, scripts, ignoresAbort }: Spec) =>
          fakeModel<Chunk>(name, { scripts: scripts as Chunk[][] }, {
            journal,
            ignoresAbort,
            isContent,
            isFinal,
          })
        );
        const options = optionsFor(need);
        return {
          async *call(signal, reported) {
            try {
              await using stream = need.continues
                ? await continueStream(models, "Hi", {
                  ...options,
                  signal,
                  resume: ({ chunks }) => `go on after ${chunks.length}`,
                })
                : await fallbackStream(models, "Hi", { ...options, signal });
              yield* stream;
              reported?.push(...stream.attempts.map(({ error }) => error));
            } catch (error) {
              reported?.push(...attemptsOf(error).map(({ error }) => error));
              throw error;
            }
          },
        };
      },
    },
    {
      name: "fallbackLanguageModel",
      label: "ours, AI SDK",
      entry: "fallback_language_model.ts",
      readableOnly: true,
      bare(sources) {
        const model = fallbackLanguageModel(bareModels(sources));
        return async () => (await model.doStream(request())).stream;
      },
      make(specs, journal, need) {
        if (need.continues) return;
        const model = fallbackLanguageModel(
          specs.map((spec) => languageModel(spec, journal)),
          optionsFor(need),
        );
        return {
          async *call(signal, reported) {
            try {
              const { stream } = await model.doStream(request(signal));
              yield* chunksOf(stream, reported);
            } catch (error) {
              reported?.push(...attemptsOf(error).map(({ error }) => error));
              throw error;
            }
          },
        };
      },
    },
  ],
};
