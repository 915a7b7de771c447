// The imports of a plan over streams. A bundler can drop the rest.
import {
  Context,
  Effect,
  ExecutionPlan,
  Layer,
  Stream,
} from "npm:effect@4.1.0";

class Answer extends Context.Service<
  Answer,
  { readonly stream: Stream.Stream<string, unknown> }
>()("Answer") {}

export function callOnce(
  sources: readonly [AsyncIterable<string>, AsyncIterable<string>],
): AsyncIterable<string> {
  const [first, second] = sources.map((source) => ({
    provide: Layer.succeed(Answer, {
      stream: Stream.fromAsyncIterable(source, (error) => error),
    }),
  }));
  return Stream.toAsyncIterable(
    Stream.unwrap(Effect.map(Answer, ({ stream }) => stream)).pipe(
      Stream.withExecutionPlan(ExecutionPlan.make(first!, second!), {
        preventFallbackOnPartialStream: true,
      }),
    ),
  );
}
