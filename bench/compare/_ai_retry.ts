// ai-retry, on both of its layers: `createRetryableModel` under the AI SDK, and
// `retryableStreamText` around it, which is experimental and has the timeouts.

import { createRetryableModel } from "npm:ai-retry@2.4.0/language-model";
import * as below from "npm:ai-retry@2.4.0/language-model/conditions";
import { experimental_retryableStreamText as retryableStreamText } from "npm:ai-retry@2.4.0/stream-text";
import * as around from "npm:ai-retry@2.4.0/stream-text/conditions";
import type { Chunk, Library } from "./_library.ts";
import { bareModels, chunksOf, languageModel, request } from "./_sdk.ts";

const is5xx = /^5\d\d$/;

export const aiRetry: Library = {
  name: "ai-retry",
  version: "2.4.0",
  module: import.meta.url,
  ways: [
    {
      name: "createRetryableModel",
      label: "ai-retry, a model",
      entry: "ai_retry_model.ts",
      readableOnly: true,
      bare(sources) {
        const [model, ...retries] = bareModels(sources);
        return async () => {
          const retryable = createRetryableModel({ model: model!, retries });
          return (await retryable.doStream(request())).stream;
        };
      },
      make(specs, journal, need) {
        if (need.continues) return;
        const { timeouts, attempts, only5xx, notEmpty, memory } = need;
        const [model, ...others] = specs.map((spec) =>
          languageModel(spec, journal)
        );
        const reasons: unknown[] = [];
        const retryable = createRetryableModel({
          model: model!,
          retries: [
            ...attempts
              ? [below.error(() => true).retry({ maxAttempts: attempts })]
              : [],
            ...others.flatMap((model) => [
              // A retry needs a deadline of its own after the call's has passed.
              ...timeouts
                ? [
                  below.timeout().switch({
                    model,
                    timeout: timeouts.firstContentMs,
                  }),
                ]
                : [],
              ...notEmpty
                ? [
                  below.result(({ usage }) => usage.outputTokens.total === 0)
                    .switch({ model }),
                ]
                : [],
              only5xx ? below.httpStatus(is5xx).switch({ model }) : model,
            ]),
          ],
          ...(memory && { reset: "after-60-seconds" }),
          onError: ({ current }) =>
            void reasons.push("error" in current && current.error),
        });
        return {
          async *call(signal, reported) {
            const signals = [
              ...signal ? [signal] : [],
              // The only timeout limits the whole first attempt.
              ...timeouts ? [AbortSignal.timeout(timeouts.firstContentMs)] : [],
            ];
            const only = signals.length > 1
              ? AbortSignal.any(signals)
              : signals[0];
            try {
              const { stream } = await retryable.doStream(request(only));
              yield* chunksOf(stream);
            } finally {
              reported?.push(...reasons);
            }
          },
        };
      },
    },
    {
      name: "retryableStreamText",
      label: "ai-retry, streamText",
      entry: "ai_retry_stream_text.ts",
      readableOnly: true,
      bare(sources) {
        const [model, ...retry] = bareModels(sources);
        return async () =>
          (await retryableStreamText({ model: model!, prompt: "Hi", retry }))
            .fullStream;
      },
      make(specs, journal, need) {
        if (need.continues) return;
        const { timeouts, attempts, only5xx, notEmpty } = need;
        const [model, ...others] = specs.map((spec) =>
          languageModel(spec, journal)
        );
        return {
          async *call(signal, reported): AsyncGenerator<Chunk> {
            const { fullStream } = await retryableStreamText({
              model: model!,
              prompt: "Hi",
              onError: () => {}, // else it writes to the console
              ...(signal && { abortSignal: signal }),
              ...(timeouts && {
                timeout: {
                  firstChunkMs: timeouts.firstContentMs,
                  chunkMs: timeouts.idleMs,
                  totalMs: timeouts.totalMs,
                },
              }),
              retry: {
                retries: [
                  ...attempts
                    ? [
                      around.error(() => true).retry({ maxAttempts: attempts }),
                    ]
                    : [],
                  ...others.flatMap((model) => [
                    ...notEmpty
                      ? [
                        around.result(({ usage }) => usage.outputTokens === 0)
                          .switch({ model }),
                      ]
                      : [],
                    only5xx
                      ? around.httpStatus(is5xx).switch({ model })
                      : model,
                  ]),
                ],
                onError: ({ current }) =>
                  void reported?.push("error" in current && current.error),
              },
            });
            for await (const part of fullStream) {
              switch (part.type) {
                case "text-delta":
                  yield { kind: "text", text: part.text };
                  break;
                case "error":
                  throw part.error;
                case "abort":
                  throw signal?.reason ?? new Error(part.reason);
              }
            }
          },
        };
      },
    },
  ],
};
