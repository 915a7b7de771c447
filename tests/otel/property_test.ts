// The property: whatever happens in a call, it has one span per record, each span
// ends once, and the call behaves as it does without `instrument()`.

import {
  runInContext,
  type TracingListener,
} from "../../src/engine/listener.ts";
import type { Attempt } from "@fallback/stream";
import { instrument } from "@fallback/stream/otel";
import type { Subject } from "../contract/contract.ts";
import type { Attributes } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { violation } from "../property/_check.ts";
import { withListener } from "../property/_with_listener.ts";
import { scenarios } from "../property/_arbitraries.ts";
import { msOf, Sdk } from "./_sdk.ts";

/** What the listener observed in a scenario. */
interface Observed {
  /** How many calls there were. */
  calls: number;
  /** The records of each, or of several that share theirs. */
  readonly records: Set<readonly Attempt[]>;
}

/** A subject whose chains are all observed, nested ones too. */
function instrumented(observed: Observed): Subject {
  const ours: TracingListener = instrument();
  return withListener((own) => {
    const onEvent: TracingListener = (event) => {
      observed.records.add(event.attempts);
      own?.(event);
      ours(event);
    };
    onEvent[runInContext] = (run, attempts, attempt) => {
      if (!attempt) observed.calls++;
      return ours[runInContext]!(run, attempts, attempt);
    };
    return onEvent;
  });
}

function identity(span: ReadableSpan): string {
  return span.spanContext().spanId;
}

function isCall({ attributes }: ReadableSpan): boolean {
  return attributes["fallback.attempts"] !== undefined;
}

/** What a span and a record have in common. */
function summaryOf(attributes: Attributes): string {
  return [
    attributes["gen_ai.request.model"],
    attributes["fallback.attempt"],
    attributes["fallback.outcome"],
  ].join(" ");
}

/** Asserts that the spans are those of the observed calls. */
function check(spans: readonly ReadableSpan[], observed: Observed): void {
  const byId = new Map(spans.map((span) => [identity(span), span]));
  const attempts = spans.filter((span) => !isCall(span));
  assertEquals(spans.length - attempts.length, observed.calls, "calls");
  const actual = attempts.map(({ attributes }) => summaryOf(attributes));
  const expected = [...observed.records].flat()
    .filter(({ outcome }) => outcome !== "skipped")
    .map(({ model, number, outcome }) => `${model} ${number} ${outcome}`);
  assertEquals(actual.toSorted(), expected.toSorted());
  for (const span of spans) {
    const parent = byId.get(span.parentSpanContext?.spanId ?? "");
    assertEquals(span.parentSpanContext === undefined, parent === undefined);
    const [from, to] = [msOf(span.startTime), msOf(span.endTime)];
    assertLessOrEqual(from, to);
    if (parent) assertLessOrEqual(msOf(parent.startTime), from);
    if (isCall(span)) {
      assert(!parent || !isCall(parent), "the parent of a call is an attempt");
      const children = attempts.filter(({ parentSpanContext }) =>
        parentSpanContext?.spanId === identity(span)
      );
      assertEquals(span.attributes["fallback.attempts"], children.length);
    } else {
      assert(parent && isCall(parent), "the parent of an attempt is a call");
      assertLessOrEqual(to, msOf(parent.endTime));
    }
  }
}

Deno.test("instrument() ends every span once, within its call, and changes nothing in 2,000 random scenarios", async () => {
  await using sdk = new Sdk();
  const property = fc.asyncProperty(scenarios, async (scenario) => {
    sdk.reset();
    const observed: Observed = { calls: 0, records: new Set() };
    const found = await violation(instrumented(observed), scenario);
    assertEquals(found, undefined, found);
    check(sdk.spans(), observed);
  });
  await fc.assert(property, { numRuns: 2_000, seed: 20_261 });
});
