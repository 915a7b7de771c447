// A response reads no more from the model than its client reads from the response.
// While the client waits, comments keep the connection alive.

import { sseResponse } from "@fallback/stream/sse";
import {
  type Script,
  type SourceKind,
  step,
  virtualTime,
} from "@fallback/stream/testing";
import { assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import fc from "fast-check";
import { answer, clientOf, count, readAll, type Seen } from "./_client.ts";

const KINDS: readonly SourceKind[] = ["generator", "iterable", "readable"];

for (const kind of KINDS) {
  Deno.test(`sseResponse() pulls a ${kind} only when its body is read`, async () => {
    const { journal } = await virtualTime(async () => {
      const it = await answer(["a", "b", "c"], { model: { kind } });
      // The first pull was for the chunk that committed the stream.
      const pulls = [count(it.journal, "pull")];
      await delay(10);
      const client = clientOf(it.response);
      for (;;) {
        const seen = await client.read();
        await delay(10);
        pulls.push(count(it.journal, "pull"));
        if (!seen) break;
      }
      assertEquals(pulls, [1, 1, 2, 3, 4, 4]);
      return it;
    });
    journal.assertClean();
  });
}

Deno.test("sseResponse() sends chunks that have arrived together in one write", async () => {
  const isContent = (chunk: unknown) => chunk === "c";
  const { journal } = await virtualTime(async () => {
    const it = await answer(["a", "b", "c", "d"], { model: { isContent } });
    const reader = it.response.body!.getReader();
    const text = new TextDecoder();
    const read = async () => text.decode((await reader.read()).value);
    assertEquals(await read(), 'data: "a"\n\ndata: "b"\n\ndata: "c"\n\n');
    assertEquals(count(it.journal, "pull"), 3);
    assertEquals(await read(), 'data: "d"\n\n');
    await reader.cancel();
    return it;
  });
  journal.assertClean();
});

Deno.test("sseResponse() sends no further chunk in a write of 64 Ki characters", async () => {
  const isContent = (chunk: unknown) => chunk === "last";
  const encode = (chunk: unknown) => `${chunk}`;
  for (const [length, isFull] of [[64 * 1024 - 1, false], [64 * 1024, true]]) {
    await virtualTime(async () => {
      const first = "x".repeat(Number(length) - "data: \n\n".length);
      const it = await answer([first, "last"], {
        encode,
        model: { isContent },
      });
      const client = it.response.body!.getReader();
      const text = new TextDecoder().decode((await client.read()).value);
      assertEquals(text.includes("last"), !isFull);
      await client.cancel();
    });
  }
});

Deno.test("sseResponse() sends a comment after each heartbeatMs without a chunk while a read is pending", async () => {
  const { journal } = await virtualTime(async () => {
    const it = await answer(["a", step.wait(100), "b", step.wait(35), "c"], {
      heartbeatMs: 30,
    });
    const client = clientOf(it.response);
    const seen: unknown[] = [];
    for (;;) {
      const event = await client.read();
      if (!event) break;
      seen.push([Date.now(), event[0] === "message" ? event[1] : event[0]]);
    }
    assertEquals(seen, [
      [0, '"a"'],
      [30, "comment"],
      [60, "comment"],
      [90, "comment"],
      [100, '"b"'],
      [130, "comment"],
      [135, '"c"'],
      [135, "done"],
    ]);
    return it;
  });
  journal.assertClean();
});

Deno.test("sseResponse() sends the first comment after heartbeatMs, by default 15 s", async () => {
  for (const heartbeatMs of [undefined, 1]) {
    const { journal } = await virtualTime(async () => {
      const it = await answer(["a", step.wait(15_001), "b"], { heartbeatMs });
      const client = clientOf(it.response);
      await client.read();
      assertEquals(await client.read(), ["comment", ""]);
      assertEquals(Date.now(), heartbeatMs ?? 15_000);
      await client.cancel();
      return it;
    });
    journal.assertClean();
  }
});

Deno.test("sseResponse() sends no heartbeat while no read is pending", async () => {
  const { journal } = await virtualTime(async () => {
    const it = await answer(["a", step.wait(100), "b"], { heartbeatMs: 30 });
    const client = clientOf(it.response);
    await client.read();
    await delay(40);
    // The comment 30 ms later, before the next chunk.
    assertEquals(await client.read(), ["comment", ""]);
    assertEquals(Date.now(), 70);
    await delay(1000);
    assertEquals(await client.read(), ["message", '"b"']);
    assertEquals(Date.now(), 1070);
    assertEquals((await client.read())?.[0], "done");
    return it;
  });
  journal.assertClean();
});

Deno.test("sseResponse() sends an error event at the next read when the model fails between two comments", async () => {
  const wrong = new Error("wrong");
  const { journal, ends } = await virtualTime(async () => {
    const it = await answer(["a", step.wait(100), step.fail(wrong)], {
      heartbeatMs: 30,
    });
    const client = clientOf(it.response);
    await client.read();
    await client.read();
    await delay(1000);
    assertEquals(it.ends, []);
    assertEquals((await client.read())?.[0], "error");
    assertEquals(await client.read(), undefined);
    return it;
  });
  assertEquals(ends, [{ outcome: "interrupted", error: wrong }]);
  journal.assertClean();
});

Deno.test({
  name:
    "sseResponse() with a heartbeat keeps all chunks and their order, at any speed of model and client",
  permissions: "none",
  fn: () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(0, 1, 9, 10, 11, 20, 35), { maxLength: 8 }),
        fc.infiniteStream(fc.constantFrom(0, 0, 0, 1, 10, 25)),
        fc.constantFrom(...KINDS),
        fc.constantFrom(undefined, 0, 10),
        async (waits, pauses, kind, failsAfter) => {
          const script: Script<unknown> = [
            "first",
            ...waits.flatMap((ms, i) => [step.wait(ms), i]),
            ...failsAfter === undefined
              ? []
              : [step.wait(failsAfter), step.fail(new Error("wrong"))],
          ];
          const { journal, ends } = await virtualTime(async () => {
            const it = await answer(script, {
              heartbeatMs: 10,
              model: { kind },
            });
            const client = clientOf(it.response);
            const seen: Seen[] = [];
            for (const pause of pauses) {
              await delay(pause);
              const event = await client.read();
              if (!event) break;
              if (event[0] !== "comment") seen.push(event);
            }
            const end = seen.pop();
            assertEquals(end?.[0], failsAfter === undefined ? "done" : "error");
            assertEquals(seen.map(([type, data]) => [type, JSON.parse(data)]), [
              ["message", "first"],
              ...waits.map((_, i) => ["message", i]),
            ]);
            return it;
          });
          assertEquals(ends.length, 1);
          journal.assertClean();
        },
      ),
      { numRuns: 300 },
    ),
});

Deno.test("sseResponse() pulls the model once during a day of heartbeats, and leaves no timer", async () => {
  const DAY = 86_400_000;
  const { journal } = await virtualTime(async () => {
    const it = await answer(["a", step.wait(DAY - 1), "b"]);
    const seen = await readAll(it.response);
    assertEquals(
      seen.filter(([type]) => type === "comment").length,
      DAY / 15_000 - 1,
    );
    assertEquals(count(it.journal, "pull"), 3);
    return it;
  });
  journal.assertClean();
});

Deno.test("sseResponse() sends no comments with heartbeatMs: 0", async () => {
  await virtualTime(async () => {
    const it = await answer(["a", step.wait(100_000), "b"], { heartbeatMs: 0 });
    const client = clientOf(it.response);
    assertEquals(await client.read(), ["message", '"a"']);
    assertEquals(await client.read(), ["message", '"b"']);
    await client.cancel();
  });
});

Deno.test("sseResponse() sets no timer and pulls nothing until its body is read", async () => {
  let pulls = 0;
  const source: AsyncIterable<string> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        pulls++;
        return Promise.resolve({ done: false, value: "a" });
      },
    }),
  };
  const { body } = sseResponse(source, { heartbeatMs: 1 });
  await virtualTime(() => delay(100_000));
  assertEquals(pulls, 0);
  await body!.cancel();
});

Deno.test("sseResponse() reads an endless stream only as far as its body is read", async () => {
  let made = 0;
  let isClosed = false;
  async function* endless(): AsyncGenerator<number> {
    try {
      for (;;) yield made++;
    } finally {
      isClosed = true;
    }
  }
  const client = clientOf(sseResponse(endless()));
  for (let i = 0; i < 10_000; i++) {
    assertEquals(await client.read(), ["message", `${i}`]);
  }
  assertEquals(made, 10_000);
  await client.cancel();
  assertEquals(isClosed, true);
});
