// However an answer ends, `sseResponse()` closes its stream, and then calls `onClose`
// once with the result.

import { type SseEnd, sseResponse } from "@fallback/stream/sse";
import {
  type Journal,
  type Script,
  type SourceKind,
  step,
  virtualTime,
} from "@fallback/stream/testing";
import { assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { watchTimers } from "../../src/testing/_timers.ts";
import { answer, type Client, clientOf, count, readAll } from "./_client.ts";

const KINDS: readonly SourceKind[] = ["generator", "iterable", "readable"];
const wrong = new Error("wrong");

/** A script, and what a client does before it disconnects. */
const disconnects: Record<
  string,
  [Script<unknown>, (client: Client) => unknown]
> = {
  "before its first read": [["a", "b"], () => {}],
  "between two reads": [["a", "b", "c"], async (client) => {
    await client.read();
    await client.read();
  }],
  "while a read waits": [["a", step.hang()], async (client) => {
    await client.read();
    client.read();
    await delay(10);
  }],
  "while several reads wait": [["a", step.hang()], (client) => {
    for (let i = 0; i < 3; i++) client.read();
  }],
  "at the moment when it has begun to wait": [
    ["a", step.hang()],
    async (client) => {
      await client.read();
      client.read();
    },
  ],
  "while comments are sent": [["a", step.hang()], async (client) => {
    await client.read();
    await client.read();
    await client.read();
    client.read();
    await delay(10);
  }],
  "between a comment and the next": [["a", step.hang()], async (client) => {
    await client.read();
    await client.read();
    await delay(1000);
  }],
};

for (const [when, [script, act]] of Object.entries(disconnects)) {
  for (const kind of KINDS) {
    Deno.test(`sseResponse() closes a ${kind} at once when the client disconnects ${when}`, async () => {
      const { journal, ends } = await virtualTime(async () => {
        const it = await answer(script, { heartbeatMs: 30, model: { kind } });
        const client = clientOf(it.response);
        await act(client);
        const pulls = count(it.journal, "pull");
        const disconnectedAt = Date.now();
        await client.cancel();
        await client.cancel();
        assertEquals(Date.now(), disconnectedAt);
        assertEquals(it.ends, [{ outcome: "cancelled" }]);
        await delay(100_000);
        assertEquals(count(it.journal, "pull"), pulls);
        return it;
      });
      assertEquals(ends, [{ outcome: "cancelled" }]);
      journal.assertClean();
    });
  }
}

Deno.test("sseResponse() ignores a client that disconnects after the end", async () => {
  for (const last of ["b", step.fail(wrong)]) {
    const { journal, ends } = await virtualTime(async () => {
      const it = await answer(["a", last]);
      const client = clientOf(it.response);
      while (await client.read());
      await client.cancel();
      return it;
    });
    assertEquals(ends, [
      last === "b"
        ? { outcome: "completed" }
        : { outcome: "interrupted", error: wrong },
    ]);
    journal.assertClean();
  }
});

Deno.test("sseResponse() calls onClose once when the client disconnects before it reads the last event", async () => {
  const { journal, ends } = await virtualTime(async () => {
    const it = await answer(["a"]);
    const reader = it.response.body!.getReader();
    await reader.read();
    await delay(10);
    const last = reader.read();
    reader.releaseLock();
    await assertRejects(() => last, TypeError);
    await delay(10);
    await it.response.body!.cancel();
    return it;
  });
  assertEquals(ends, [{ outcome: "completed" }]);
  journal.assertClean();
});

/** An answer whose first chunk cannot be encoded, and that closes in 50 ms. */
const answerThatFails = () =>
  answer(["a", "b"], {
    encode: () => {
      throw wrong;
    },
    model: { closeScript: [step.wait(50)] },
  });

Deno.test("sseResponse() calls onClose once when the client disconnects while an interrupted stream is closed", async () => {
  const { journal, ends } = await virtualTime(async () => {
    const it = await answerThatFails();
    const client = clientOf(it.response);
    client.read();
    await delay(10);
    await client.cancel();
    await delay(1000);
    return it;
  });
  assertEquals(ends.length, 1);
  journal.assertClean();
});

Deno.test("sseResponse() resolves cancel() after closeMs when the model ignores the abort", async () => {
  await virtualTime(async () => {
    const it = await answer(["a", step.hang()], {
      model: { ignoresAbort: true },
      call: { timeouts: { closeMs: 200 } },
    });
    const client = clientOf(it.response);
    await client.read();
    client.read();
    await delay(10);
    await client.cancel();
    assertEquals(Date.now(), 210);
    assertEquals(it.ends, [{ outcome: "cancelled" }]);
  });
});

Deno.test("sseResponse() stops the heartbeat at once when the client disconnects while the model hangs", async () => {
  await virtualTime(async () => {
    const source: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return: async () => {
          await delay(2000);
          return { done: true, value: undefined };
        },
      }),
    };
    const client = clientOf(sseResponse(source, { heartbeatMs: 1000 }));
    using timers = watchTimers();
    client.read();
    await delay(10);
    const cancelled = client.cancel();
    assertEquals([...timers.pending.values()], [2000]);
    await cancelled;
  });
});

Deno.test("sseResponse() does not encode a chunk that arrives after the client disconnected", async () => {
  const { promise, resolve } = Promise.withResolvers<IteratorResult<string>>();
  const source: AsyncIterable<string> = {
    [Symbol.asyncIterator]: () => ({ next: () => promise }),
  };
  const encoded: string[] = [];
  const encode = (chunk: string) => `${encoded.push(chunk)}`;
  const client = clientOf(sseResponse(source, { encode }));
  await virtualTime(async () => {
    client.read();
    await client.cancel();
    resolve({ done: false, value: "late" });
    await delay(1);
  });
  assertEquals(encoded, []);
});

Deno.test("sseResponse() closes the stream before it sends the error of encode", async () => {
  const { journal, ends } = await virtualTime(async () => {
    const it = await answerThatFails();
    const client = clientOf(it.response);
    assertEquals((await client.read())?.[0], "error");
    assertEquals(Date.now(), 50);
    return it;
  });
  assertEquals(ends, [{ outcome: "interrupted", error: wrong }]);
  journal.assertClean();
});

Deno.test("sseResponse() closes the stream once when encode cancels the response", async () => {
  for (const fails of [false, true]) {
    const closes: string[] = [];
    const source: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: "a" }),
        return() {
          closes.push("return");
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    const client = clientOf(sseResponse(source, {
      encode(chunk) {
        client.cancel();
        if (fails) throw wrong;
        return chunk;
      },
      onClose: ({ outcome }) => closes.push(outcome),
    }));
    await virtualTime(async () => {
      assertEquals(await client.read(), undefined);
      await delay(1);
    });
    assertEquals(closes, ["return", "cancelled"]);
  }
});

/** A script, what the client does, and the expected argument of `onClose`. */
const endings: Record<
  string,
  [Script<unknown>, (client: Client) => Promise<unknown>, SseEnd]
> = {
  "complete": [["a"], async (client) => {
    while (await client.read());
  }, { outcome: "completed" }],
  "interrupted": [["a", step.fail(wrong)], async (client) => {
    while (await client.read());
  }, { outcome: "interrupted", error: wrong }],
  "cancelled": [["a", "b"], async (client) => {
    await client.read();
    await client.cancel();
  }, { outcome: "cancelled" }],
};

/** Callbacks that misbehave. */
const faultyCallbacks: Record<string, () => unknown> = {
  "throws": () => {
    throw new Error("from onClose");
  },
  "rejects": () => Promise.reject(new Error("from onClose")),
  "never settles": () => new Promise(() => {}),
  "returns a thenable that throws": () => ({
    then() {
      throw new Error("from onClose");
    },
  }),
};

for (const [ending, [script, act, expected]] of Object.entries(endings)) {
  Deno.test(`sseResponse() calls onClose once, after everything is closed: ${ending}`, async () => {
    const reported: unknown[] = [];
    const { journal } = await virtualTime(async () => {
      const { promise, resolve } = Promise.withResolvers<Journal>();
      const it = await answer(script, {
        model: {
          closeScript: [step.wait(50)],
          stackScript: [step.wait(50)],
          disposeScript: [],
        },
        async onClose(end) {
          const { entries } = await promise;
          reported.push(end, entries.at(-1)?.type, Date.now());
        },
      });
      resolve(it.journal);
      await act(clientOf(it.response));
      return it;
    });
    // After its end a stream needs no return(): only its stack is closed.
    const at = ending === "cancelled" ? 100 : 50;
    assertEquals(reported, [expected, "closed", at]);
    journal.assertClean();
  });

  for (const [fault, onClose] of Object.entries(faultyCallbacks)) {
    Deno.test(`sseResponse() ignores an onClose that ${fault}: ${ending}`, async () => {
      const seen: string[][] = [];
      for (const each of [() => {}, onClose]) {
        const { journal } = await virtualTime(async () => {
          const it = await answer(script, { onClose: each });
          const client = clientOf(it.response);
          const events: string[] = [];
          await act({
            cancel: client.cancel,
            async read() {
              const event = await client.read();
              if (event) events.push(...event);
              return event;
            },
          });
          seen.push(events);
          return it;
        });
        journal.assertClean();
      }
      assertEquals(seen[0], seen[1]);
    });
  }
}

Deno.test("sseResponse() calls onClose as a method of the options", async () => {
  class Options {
    readonly #ends: SseEnd[] = [];
    onClose(end: SseEnd): void {
      this.#ends.push(end);
    }
    get ends() {
      return this.#ends;
    }
  }
  async function* source() {
    yield "a";
  }
  const options = new Options();
  await readAll(sseResponse(source(), options));
  assertEquals(options.ends, [{ outcome: "completed" }]);
});

Deno.test("sseResponse() does not call onClose again when onClose cancels the response", async () => {
  for (const [script, _, expected] of Object.values(endings).slice(0, 2)) {
    const reported: SseEnd[] = [];
    let cancel = () => {};
    const { journal } = await virtualTime(async () => {
      const it = await answer(script, {
        onClose(end) {
          reported.push(end);
          if (reported.length < 5) cancel();
        },
      });
      const client = clientOf(it.response);
      cancel = client.cancel;
      while (await client.read());
      return it;
    });
    assertEquals(reported, [expected]);
    journal.assertClean();
  }
});

Deno.test("sseResponse() sends an error event and closes the stream when the caller aborts after content", async () => {
  const reason = new Error("sk-secret");
  const { journal, ends } = await virtualTime(async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const it = await answer(["a", step.hang()], { call: { signal } });
    const client = clientOf(it.response);
    await client.read();
    const last = client.read();
    await delay(10);
    controller.abort(reason);
    const [type, data] = (await last)!;
    assertEquals([type, data.includes("sk-secret")], ["error", false]);
    assertEquals(await client.read(), undefined);
    return it;
  });
  assertEquals(ends, [{ outcome: "interrupted", error: reason }]);
  journal.assertClean();
});

Deno.test("sseResponse() ignores an error on close", async () => {
  const { ends } = await virtualTime(async () => {
    const it = await answer(["a", "b"], {
      model: { closeScript: [step.fail(wrong)] },
    });
    const client = clientOf(it.response);
    await client.read();
    await client.cancel();
    return it;
  });
  assertEquals(ends, [{ outcome: "cancelled" }]);
});

/** Unusual but valid iterators. */
const iterators: Record<string, Partial<AsyncIterator<string>>> = {
  "no return": {},
  "a return that throws": {
    return: () => {
      throw wrong;
    },
  },
  "a return that rejects": { return: () => Promise.reject(wrong) },
};

for (const [what, members] of Object.entries(iterators)) {
  Deno.test(`sseResponse() sends and cancels an iterator with ${what}`, async () => {
    const source: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: "a" }),
        ...members,
      }),
    };
    const ends: SseEnd[] = [];
    const client = clientOf(
      sseResponse(source, { onClose: (end) => void ends.push(end) }),
    );
    assertEquals(await client.read(), ["message", '"a"']);
    await client.cancel();
    assertEquals(ends, [{ outcome: "cancelled" }]);
  });
}

Deno.test("sseResponse() sends an error event when next() throws, or rejects with undefined", async () => {
  const nexts = [
    () => {
      throw wrong;
    },
    () => Promise.reject(undefined),
  ];
  for (const next of nexts) {
    const ends: SseEnd[] = [];
    const source = { [Symbol.asyncIterator]: () => ({ next }) };
    const onClose = (end: SseEnd) => void ends.push(end);
    const seen = await readAll(sseResponse(source, { onClose }));
    assertEquals(seen.map(([type]) => type), ["error"]);
    assertEquals(ends.length, 1);
    assertEquals("error" in ends[0]!, true);
  }
});
