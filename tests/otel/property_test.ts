// The property: whatever happens in a call, its spans are those of its records,
// and each is ended once; and what happens is what happens without us.

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
import { listened } from "../property/_listened.ts";
import { scenarios } from "../property/_scenarios.ts";
import { msOf, Sdk } from "./_sdk.ts";

/** What the listener was told in a scenario. */
interface Heard {
  /** How many calls there were. */
  calls: number;
  /** The records of each, or of several that share theirs. */
  readonly records: Set<readonly Attempt[]>;
}

/** A subject all of whose chains are heard, the inner ones too. */
function instrumented(heard: Heard): Subject {
  const ours: TracingListener = instrument();
  return listened((own) => {
    const onEvent: TracingListener = (event) => {
      heard.records.add(event.attempts);
      own?.(event);
      ours(event);
    };
    onEvent[runInContext] = (run, attempts, attempt) => {
      if (!attempt) heard.calls++;
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

/** What a span and a record both say. */
function tell(attributes: Attributes): string {
  return [
    attributes["gen_ai.request.model"],
    attributes["fallback.attempt"],
    attributes["fallback.outcome"],
  ].join(" ");
}

/** Complains unless the spans are those of what was heard. */
function check(spans: readonly ReadableSpan[], heard: Heard): void {
  const byId = new Map(spans.map((span) => [identity(span), span]));
  const attempts = spans.filter((span) => !isCall(span));
  assertEquals(spans.length - attempts.length, heard.calls, "calls");
  const told = attempts.map(({ attributes }) => tell(attributes));
  const made = [...heard.records].flat()
    .filter(({ outcome }) => outcome !== "skipped")
    .map(({ model, number, outcome }) => `${model} ${number} ${outcome}`);
  assertEquals(told.toSorted(), made.toSorted());
  for (const span of spans) {
    const parent = byId.get(span.parentSpanContext?.spanId ?? "");
    assertEquals(span.parentSpanContext === undefined, parent === undefined);
    const [from, to] = [msOf(span.startTime), msOf(span.endTime)];
    assertLessOrEqual(from, to);
    if (parent) assertLessOrEqual(msOf(parent.startTime), from);
    if (isCall(span)) {
      assert(!parent || !isCall(parent), "a call hangs under an attempt");
      const its = attempts.filter(({ parentSpanContext }) =>
        parentSpanContext?.spanId === identity(span)
      );
      assertEquals(span.attributes["fallback.attempts"], its.length);
    } else {
      assert(parent && isCall(parent), "an attempt hangs under a call");
      assertLessOrEqual(to, msOf(parent.endTime));
    }
  }
}

Deno.test("in 4,000 random scenarios every span is ended once, within its call, and nothing else changes", async () => {
  await using sdk = new Sdk();
  const property = fc.asyncProperty(scenarios, async (scenario) => {
    sdk.reset();
    const heard: Heard = { calls: 0, records: new Set() };
    const found = await violation(instrumented(heard), scenario);
    assertEquals(found, undefined, found);
    check(sdk.spans(), heard);
  });
  await fc.assert(property, { numRuns: 4_000, seed: 20_261 });
});
