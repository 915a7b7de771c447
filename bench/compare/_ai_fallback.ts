// ai-fallback: a language model of the AI SDK. It has no timeouts, no
// retries and no hedge. It keeps using the model to which it fell back.

import { createFallback } from "npm:ai-fallback@3.0.0";
import type { Library, Way } from "./_library.ts";
import { bareModels, chunksOf, languageModel, request } from "./_sdk.ts";

function way(name: string, retryAfterOutput: boolean): Way {
  return {
    name,
    label: "ai-fallback",
    entry: "ai_fallback.ts",
    readableOnly: true,
    bare(sources) {
      const models = bareModels(sources);
      return async () => {
        const model = createFallback({ models, retryAfterOutput });
        return (await model.doStream(request())).stream;
      };
    },
    make(specs, journal, { attempts, continues }) {
      if (attempts || continues) return;
      const reasons: unknown[] = [];
      const model = createFallback({
        models: specs.map((spec) => languageModel(spec, journal)),
        retryAfterOutput,
        onError: (error) => void reasons.push(error),
      });
      return {
        async *call(signal, reported) {
          try {
            const { stream } = await model.doStream(request(signal));
            yield* chunksOf(stream);
          } finally {
            reported?.push(...reasons);
          }
        },
      };
    },
  };
}

export const aiFallback: Library = {
  name: "ai-fallback",
  version: "3.0.0",
  module: import.meta.url,
  ways: [way("default", true), way("retryAfterOutput: false", false)],
};
