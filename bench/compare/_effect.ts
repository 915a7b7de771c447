// Effect's execution plan over streams. It has no timeouts of its own, so each
// model's stream has Effect's general one, `Stream.timeoutOrElse`.

import {
  Cause,
  Context,
  Effect,
  ExecutionPlan,
  Layer,
  Stream,
} from "npm:effect@4.1.0";
import { type FakeModel, fakeModel } from "@fallback/stream/testing";
import {
  type Chunk,
  is5xx,
  type Library,
  type Part,
  type Source,
  type Way,
} from "./_library.ts";

/** A model's answer, as the service that each step of a plan provides. */
class Answer extends Context.Service<
  Answer,
  { readonly stream: Stream.Stream<Chunk, unknown> }
>()("Answer") {}

/** A model's stream: its signal aborts when the stream's scope closes. */
function streamOf(fake: FakeModel<Chunk>): Stream.Stream<Chunk, unknown> {
  return Stream.unwrap(Effect.gen(function* () {
    const { signal } = yield* Effect.acquireRelease(
      Effect.sync(() => new AbortController()),
      (controller) => Effect.sync(() => controller.abort()),
    );
    const source = yield* Effect.tryPromise({
      try: async () =>
        await fake.stream("Hi", {
          signal,
          stack: new AsyncDisposableStack(),
          model: fake.name,
          attemptNumber: 1,
        }),
      catch: (error) => error,
    });
    return Stream.fromAsyncIterable(source, (error) => error).pipe(
      Stream.mapEffect((chunk) =>
        chunk.kind === "error"
          ? Effect.fail(chunk.error)
          : Effect.succeed(chunk)
      ),
    );
  }));
}

class BareAnswer extends Context.Service<
  BareAnswer,
  { readonly stream: Stream.Stream<Part, unknown> }
>()("BareAnswer") {}

/** As little as a stream can be. */
function bareStreamOf(source: Source): Stream.Stream<Part, unknown> {
  const onError = (error: unknown) => error;
  return Stream.unwrap(Effect.try({
    try: () => {
      const answer = source();
      return answer instanceof ReadableStream
        ? Stream.fromReadableStream({ evaluate: () => answer, onError })
        : Stream.fromAsyncIterable(answer, onError);
    },
    catch: onError,
  }));
}

/** Fails when the signal aborts. */
function aborted(signal: AbortSignal): Effect.Effect<never, unknown> {
  return Effect.callback((resume) => {
    const fail = () => resume(Effect.fail(signal.reason));
    if (signal.aborted) return fail();
    signal.addEventListener("abort", fail, { once: true });
    return Effect.sync(() => signal.removeEventListener("abort", fail));
  });
}

function way(name: string, preventFallbackOnPartialStream: boolean): Way {
  return {
    name,
    label: "Effect",
    entry: "effect.ts",
    bare(sources) {
      const [first, ...others] = sources.map((source) => ({
        provide: Layer.succeed(BareAnswer, { stream: bareStreamOf(source) }),
      }));
      const plan = ExecutionPlan.make(first!, ...others);
      const stream = Stream.unwrap(
        Effect.map(BareAnswer, ({ stream }) => stream),
      ).pipe(
        Stream.withExecutionPlan(plan, { preventFallbackOnPartialStream }),
      );
      return () => Stream.toAsyncIterable(stream);
    },
    make(specs, journal, { timeouts, attempts, only5xx, continues }) {
      if (continues) return;
      const [first, ...others] = specs.map(
        ({ name, scripts, ignoresAbort }) => {
          const stream = streamOf(
            fakeModel(name, { scripts: scripts as Chunk[][] }, {
              journal,
              ignoresAbort,
            }),
          );
          return {
            provide: Layer.succeed(Answer, {
              stream: timeouts
                ? stream.pipe(Stream.timeoutOrElse({
                  duration: timeouts.firstContentMs,
                  orElse: () => Stream.fail(new Error("timed out")),
                }))
                : stream,
            }),
            ...(attempts && { attempts }),
            ...(only5xx && { while: is5xx }),
          };
        },
      );
      const plan = ExecutionPlan.make(first!, ...others);
      return {
        call(signal, reported) {
          const stream = Stream.unwrap(
            Effect.map(Answer, ({ stream }) => stream),
          ).pipe(
            Stream.withExecutionPlan(plan, {
              preventFallbackOnPartialStream,
              onEvent: (event) =>
                Effect.sync(() => {
                  if (event._tag !== "AttemptFailure") return;
                  reported?.push(Cause.squash(event.cause));
                }),
            }),
          );
          return Stream.toAsyncIterable(
            signal
              ? stream.pipe(Stream.interruptWhen(aborted(signal)))
              : stream,
          );
        },
      };
    },
  };
}

export const effect: Library = {
  name: "Effect",
  version: "4.1.0",
  module: import.meta.url,
  ways: [
    way("default", false),
    way("preventFallbackOnPartialStream", true),
  ],
};
