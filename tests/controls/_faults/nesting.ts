// Faults of nested chains, of callbacks, and of what is said of wrong arguments.

import type { Control } from "../_control.ts";

export const nesting: readonly Control[] = [
  {
    name: "does not pass the nested signal",
    file: "src/fallback_model.ts",
    from: "openWithin(context, chain, request, context.signal)",
    to: "openWithin(context, chain, request, undefined)",
  },
  {
    name: "does not put the inner chain on the outer attempt's stack",
    file: "src/_nesting.ts",
    from: "context.stack.defer(whenClosed(opening));",
    to: "",
  },
  {
    name: "closes an inner chain, but does not wait for it",
    file: "src/_nesting.ts",
    from: "context.stack.defer(whenClosed(opening));",
    to: "context.stack.defer(() => void whenClosed(opening)());",
  },
  {
    name: "shares one call between the calls of a nested chain",
    file: "src/_nesting.ts",
    from: "const opening = openChain(",
    to: "const opening = chain.opening ??= openChain(",
  },
  {
    name: "names the chain that answers, not its model",
    file: "src/_live_attempt.ts",
    from: "this.inner = given;",
    to: "",
  },
  {
    name: "records an inner chain only when it has opened",
    file: "src/_live_attempt.ts",
    from: "[nest]: (attempts) => this.record.nested = attempts,",
    to: "",
  },
  {
    name: "gives a nested chain a name of its own",
    file: "src/fallback_model.ts",
    from: 'names.join(",")',
    to: 'names.join("+")',
  },
  {
    name: "calls a model detached from its object",
    file: "src/_live_attempt.ts",
    from: "await this.#model.stream(",
    to: "await (0, this.#model.stream)(",
  },
  {
    name: "calls isContent detached from its object",
    file: "src/_live_attempt.ts",
    from: "? judge.isContent(chunk)",
    to: "? (0, judge.isContent)(chunk)",
  },
  {
    name: "calls isFinal detached from its object",
    file: "src/_live_attempt.ts",
    from: "this.#finalJudge?.isFinal?.(result.value)",
    to: "(0, this.#finalJudge?.isFinal)?.(result.value)",
  },
  {
    name: "calls onEvent detached from its object",
    file: "src/_call.ts",
    from: "options.onEvent(event)",
    to: "(0, options.onEvent)(event)",
  },
  {
    name: "calls a condition detached from its object",
    file: "src/_condition.ts",
    from: "condition.call(options, failure, attempt)",
    to: "condition(failure, attempt)",
  },
  {
    name: "spreads the options",
    file: "src/_chain.ts",
    from: "    options,\n    clocks",
    to: "    options: { ...options },\n    clocks",
  },
  {
    name: "calls an iterator's next() detached from its object",
    file: "src/_source.ts",
    from: "this.#next.call(this.#reader ?? this.#iterator)",
    to: "this.#next.call(undefined)",
  },
  {
    name: "calls an iterator's return() detached from its object",
    file: "src/_source.ts",
    from: "steps.push(() => iterator.return?.());",
    to: "steps.push(() => (0, iterator.return)?.());",
  },
  {
    name: "calls a source's disposal detached from its object",
    file: "src/_source.ts",
    from: "disposer?.call(given)",
    to: "disposer?.()",
  },
  {
    name: "looks at the signal before the arguments",
    file: "src/fallback_stream.ts",
    from: "return await openChain(readChain",
    to: `options?.signal?.throwIfAborted();
  return await openChain(readChain`,
  },
  {
    name: "throws for wrong arguments instead of rejecting",
    file: "src/fallback_stream.ts",
    from: `export async function fallbackStream<Request, Chunk>(
  models: readonly ModelLike<Request, Chunk>[],
  request: NoInfer<Request>,
  options: FallbackOptions<NoInfer<Request>, NoInfer<Chunk>> = {},
): Promise<FallbackStream<Chunk>> {
  return await openChain`,
    to: `export function fallbackStream<Request, Chunk>(
  models: readonly ModelLike<Request, Chunk>[],
  request: NoInfer<Request>,
  options: FallbackOptions<NoInfer<Request>, NoInfer<Chunk>> = {},
): Promise<FallbackStream<Chunk>> {
  return openChain`,
  },
  {
    name: "accepts durations that fire at once",
    file: "src/_arguments.ts",
    from: "Math.ceil(readNumber(name, ms, 0, LONGEST_MS))",
    to: "Math.ceil(readNumber(name, ms, 0))",
  },
  {
    name: "accepts no models",
    file: "src/_arguments.ts",
    from: "list.length > 0",
    to: "true",
  },
  {
    name: "says nothing of the value that is wrong",
    file: "src/_arguments.ts",
    from: ": current value is ${show(value)}`",
    to: "`",
  },
  {
    name: "loses the records of an inner call that was made by hand",
    file: "src/_live_attempt.ts",
    from: "record.nested = given.attempts;",
    to: "",
  },
  {
    name: "refuses the longest duration",
    file: "src/_arguments.ts",
    from: "Math.ceil(readNumber(name, ms, 0, LONGEST_MS))",
    to: "Math.ceil(readNumber(name, ms, 0, LONGEST_MS - 1))",
  },
  {
    name: "does not say that a signal is null",
    file: "src/_arguments.ts",
    from: "typeof Object(value)[method]",
    to: "typeof (value as any)[method]",
  },
  {
    name: "dies of an argument that cannot be printed",
    file: "src/_arguments.ts",
    from: "return typeof value;",
    to: "throw new RangeError();",
  },
];
