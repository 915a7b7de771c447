// A listener that runs the parts of a call: it sees each once, and whatever it
// does with them changes nothing.

import {
  type Attempt,
  type FallbackEvent,
  type FallbackListener,
  fallbackModel,
  fallbackStream,
} from "@fallback/stream";
import {
  createJournal,
  fakeModel,
  step,
  virtualTime,
} from "@fallback/stream/testing";
import { assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import type { Subject } from "../contract/contract.ts";
import {
  runInContext,
  type TracingListener,
} from "../../src/engine/listener.ts";
import { test } from "../_test_without_permissions.ts";
import { violation } from "../property/_check.ts";
import { withListener } from "../property/_with_listener.ts";
import { scenarios } from "../property/_arbitraries.ts";

type Around = NonNullable<TracingListener[typeof runInContext]>;

function listening(around: Around): FallbackListener {
  return Object.assign(() => {}, { [runInContext]: around });
}

const overloaded = new Error("overloaded");

/** A call that falls back once; what it delivered, and what was done to it. */
async function call(
  onEvent: FallbackListener | undefined,
): Promise<{ chunks: string[]; journal: string }> {
  const journal = createJournal();
  return await virtualTime(async () => {
    const models = [
      fakeModel("a", [step.wait(10), step.fail(overloaded)], { journal }),
      fakeModel("b", [step.wait(10), "x", step.wait(10), "y"], { journal }),
    ];
    await using stream = await fallbackStream(models, "hi", { onEvent });
    const chunks = await Array.fromAsync(stream);
    journal.assertClean();
    return { chunks, journal: `${journal}` };
  });
}

test("around runs the call, each opening and each later pull once, with the same records", async () => {
  const parts: string[] = [];
  const seen = new Set<readonly Attempt[]>();
  const reported = new Set<readonly Attempt[]>();
  const listener: TracingListener = ({ attempts }: FallbackEvent) => {
    reported.add(attempts);
  };
  listener[runInContext] = (run, attempts, attempt) => {
    seen.add(attempts);
    if (attempt) assertStrictEquals(attempts.at(-1), attempt);
    parts.push(attempt ? `${attempt.model} ${attempt.outcome}` : "call");
    return run();
  };
  assertEquals((await call(listener)).chunks, ["x", "y"]);
  assertEquals(parts, [
    "call",
    "a pending",
    "b pending",
    // One for "y" and one for the end: "x" was pulled by the opening.
    "b streaming",
    "b streaming",
  ]);
  assertEquals(seen.size, 1);
  assertEquals(seen, reported);
});

test("the run function that around receives settles as the part does", async () => {
  const settled: string[] = [];
  const parts: Promise<unknown>[] = [];
  await call(listening((run, _, attempt) => {
    const name = attempt?.model ?? "call";
    parts.push(
      run().then(
        () => settled.push(`${name} resolves`),
        (error) => settled.push(`${name} rejects with ${error.message}`),
      ),
    );
  }));
  await Promise.all(parts);
  assertEquals(settled, [
    "a rejects with overloaded",
    "b resolves",
    "call resolves",
    "b resolves",
    "b resolves",
  ]);
});

const rude: Record<string, Around> = {
  "never runs": () => {},
  "runs twice": (run) => {
    assertStrictEquals(run(), run());
  },
  "runs late": (run) => {
    queueMicrotask(run);
  },
  "runs much later": (run) => {
    setTimeout(run, 1000);
  },
  "throws before it runs": () => {
    throw new Error("mine");
  },
  "throws after it ran": (run) => {
    run();
    throw new Error("mine");
  },
  "returns rubbish": (run) => {
    run();
    return { then: 1 };
  },
  "returns nothing that can be looked at": (run) => {
    run();
    return Object.defineProperty({}, "then", {
      get() {
        throw new Error("mine");
      },
    });
  },
  "returns what rejects": async (run) => {
    await run();
    throw new Error("mine");
  },
  "rejects before it runs": () => Promise.reject(new Error("mine")),
  "returns what never settles": (run) => {
    run();
    return new Promise(() => {});
  },
  "swallows what fails": (run) => run().catch(() => {}),
};

for (const [name, around] of Object.entries(rude)) {
  test(`R16 an around that ${name} changes nothing`, async () => {
    assertEquals(await call(listening(around)), await call(undefined));
  });
}

test("an around that misbehaves changes nothing in 2,000 random scenarios (R16)", async () => {
  const kinds = fc.array(fc.constantFrom(...Object.keys(rude)), {
    minLength: 1,
    maxLength: 5,
  });
  const property = fc.asyncProperty(
    scenarios,
    kinds,
    async (scenario, kinds) => {
      let count = 0;
      const onEvent = listening((...part) =>
        rude[kinds[count++ % kinds.length]!]!(...part)
      );
      const found = await violation(subjectWith(onEvent), scenario);
      assertEquals(found, undefined, found);
    },
  );
  await fc.assert(property, { numRuns: 2_000, seed: 20_261 });
});

/** A subject all of whose chains have an `around`. */
function subjectWith(listener: TracingListener): Subject {
  const around = listener[runInContext];
  return withListener((own) => {
    const onEvent: FallbackListener = (event) => own?.(event);
    (onEvent as TracingListener)[runInContext] = around!;
    return onEvent;
  });
}

test("around is called as a method of the listener", async () => {
  let parts = 0;
  const listener: TracingListener = () => {};
  listener[runInContext] = function (this: unknown, run) {
    assertStrictEquals(this, listener);
    parts++;
    return run();
  };
  await call(listener);
  assertEquals(parts, 5);
});

test("fallbackStream() reads onEvent.around once, when a call begins", async () => {
  for (
    const there of [[], [0], [1, 2, 3, 4, 5], [0, 1, 3], [0, 1, 2, 3, 4, 5]]
  ) {
    let reads = 0;
    let parts = 0;
    const around: Around = (run) => {
      parts++;
      return run();
    };
    const listener = Object.defineProperty(() => {}, runInContext, {
      get: () => there.includes(reads++) ? around : undefined,
    });
    assertEquals(await call(listener), await call(undefined));
    // Then once for each part, of which there are five.
    const isSeen = there.includes(0);
    assertEquals(reads, isSeen ? 6 : 1);
    assertEquals(parts, isSeen ? there.length - 1 : 0);
  }
});

test("fallbackStream() does not read a tracing hook again whose getter has thrown", async () => {
  let looks = 0;
  const listener = Object.defineProperty(() => {}, runInContext, {
    get() {
      looks++;
      throw new Error("mine");
    },
  });
  await call(listener);
  assertEquals(looks, 1);
});

test("an around that is not a function, or whose getter throws, is ignored", async () => {
  const listeners = [undefined, null, 1, {}, "around"].map((around) =>
    Object.assign(() => {}, { [runInContext]: around }) as FallbackListener
  );
  const hostile: FallbackListener = Object.defineProperty(
    () => {},
    runInContext,
    {
      get() {
        throw new Error("mine");
      },
    },
  );
  for (const listener of [...listeners, hostile]) {
    assertEquals(await call(listener), await call(undefined));
  }
});

test("an abort (R8) and a timeout (R17) end a part whose around never settles", async () => {
  await virtualTime(async () => {
    const onEvent = listening((run) => {
      run();
      return new Promise(() => {});
    });
    const hangs = fakeModel("a", [step.hang()], { ignoresAbort: true });
    const stalls = fakeModel("b", ["x", step.hang()], { ignoresAbort: true });
    const timeouts = { firstContentMs: 30, idleMs: 40, closeMs: 10 };
    const options = { onEvent, timeouts };
    const stream = await fallbackStream([hangs, stalls], "hi", options);
    assertEquals(await stream.next(), { done: false, value: "x" });
    const message = await stream.next().catch((error) => error.message);
    assertEquals(
      message,
      'Model "b" sent no further chunk within 40 ms (timeouts.idleMs)',
    );
  });
});

test("the parts of an inner chain run in its own listener's around, within that of the outer attempt", async () => {
  const parts: string[] = [];
  const listener = (name: string) =>
    listening((run, _, attempt) => {
      parts.push(`${name} ${attempt?.model ?? "call"}`);
      return run();
    });
  const inner = fallbackModel([fakeModel("a", ["x", "y"])], {
    onEvent: listener("inner"),
  });
  const onEvent = listener("outer");
  await using stream = await fallbackStream([inner], "hi", { onEvent });
  await Array.fromAsync(stream);
  assertEquals(parts, [
    "outer call",
    "outer fallback:a",
    "inner call",
    "inner a",
    "outer fallback:a",
    "inner a",
    "outer fallback:a",
    "inner a",
  ]);
});
