// How continueStream() uses its options `resume` and `splice`. The rules of
// continuing (R20) are in `tests/contract/continuing.ts`.

import { type ReadySource, takeReady } from "../../src/engine/ready.ts";
import { attemptsOf, type Model } from "@fallback/stream";
import {
  type ChunkSplice,
  continueStream,
  type NextPart,
} from "@fallback/stream/continue";
import {
  createJournal,
  fakeModel,
  step,
  virtualTime,
} from "@fallback/stream/testing";
import { assertEquals, assertRejects } from "@std/assert";

const reset = new Error("reset");
const resume = () => "go on";
/** A splice that notes the chunks that it gets. */
function noting(received: string[], ...deliver: (string | string[])[]) {
  return {
    push: (chunk) => (received.push(chunk), deliver.shift()),
    end: () => (received.push("end"), deliver.shift()),
  } satisfies ChunkSplice<string>;
}

Deno.test("splice of continueStream() is called for each part after the first one, and decides what is delivered", () =>
  virtualTime(async () => {
    const parts: NextPart<string>[] = [];
    const received: string[] = [];
    const isContent = (chunk: string) => chunk !== "meta";
    const models = [
      fakeModel("a", ["meta", "a0", step.fail(reset)], { isContent }),
      fakeModel("b", [
        "meta",
        "b0",
        "b1",
        step.wait(10),
        "b2",
        step.fail(reset),
      ], { isContent }),
      fakeModel("c", ["meta", "c0"], { isContent }),
    ];
    const stream = await continueStream(models, "hi", {
      resume,
      splice(part) {
        parts.push(part);
        return part.model === "b"
          ? noting(received, [], ["1", "2"], "3")
          : noting(received, "4", ["5", "6"]);
      },
    });
    const expected = ["meta", "a0", "1", "2", "3", "4", "5", "6"];
    assertEquals(await Array.fromAsync(stream), expected);
    assertEquals(received, ["b0", "b1", "b2", "c0", "end"]);
    assertEquals(parts, [
      { chunks: ["meta", "a0"], model: "b" },
      { chunks: ["meta", "a0", "1", "2", "3"], model: "c" },
    ]);
  }));

Deno.test("continueStream() throws what splice throws, after the chunks before it, and closes the model", () =>
  virtualTime(async () => {
    const broken = new Error("broken");
    const fail = () => {
      throw broken;
    };
    const notClosed = new Error("not closed");
    const cases: {
      splice(): ChunkSplice<string>;
      expected: string[];
      record: (string | Error | undefined)[];
    }[] = [
      {
        splice: fail,
        expected: ["a0"],
        record: ["cancelled", broken, notClosed],
      },
      {
        splice: () => ({ push: fail, end: () => [] }),
        expected: ["a0"],
        record: ["cancelled", undefined, notClosed],
      },
      {
        splice: () => ({ push: (chunk) => chunk, end: fail }),
        expected: ["a0", "b0", "b1"],
        record: ["completed", undefined, undefined],
      },
    ];
    for (const { splice, expected, record } of cases) {
      const journal = createJournal();
      const models = [
        fakeModel("a", ["a0", step.fail(reset)]),
        fakeModel("b", ["b0", "b1"], {
          journal,
          closeScript: [step.wait(10), step.fail(notClosed)],
        }),
      ];
      const stream = await continueStream(models, "hi", { resume, splice });
      const chunks: string[] = [];
      const error = await assertRejects(async () => {
        for await (const chunk of stream) chunks.push(chunk);
      });
      assertEquals(error, broken);
      assertEquals(chunks, expected);
      const records = attemptsOf(error)
        .map(({ outcome, error, closeError }) => [outcome, error, closeError]);
      assertEquals(records, [["interrupted", reset, undefined], record]);
      journal.assertClean();
      assertEquals(await stream.next(), { done: true, value: undefined });
    }
  }));

Deno.test("takeReady() of a continued stream returns what splice delivers of the chunks that have arrived", async () => {
  const left = ["b0", "b1", "b2", "b3", "b4"]
    .map((value) => ({ done: false, value }) as const);
  const arrived: Model<unknown, string> = {
    name: "b",
    stream: () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve(left.shift()!),
        [takeReady]: () => left.shift(),
      }),
    }),
  };
  const broken = new Error("broken");
  const deliver: Record<string, string | string[]> = {
    b0: ["1", "2"],
    b1: [],
    b2: "3",
    b4: "4",
  };
  const models = [fakeModel("a", ["a0", step.fail(reset)]), arrived];
  const opened = await continueStream(models, "hi", {
    resume,
    splice: () => ({
      push(chunk) {
        if (chunk === "b3") throw broken;
        return deliver[chunk];
      },
      end: () => [],
    }),
  });
  const stream = opened as typeof opened & Required<ReadySource<string>>;
  const batches: string[][] = [];
  const error = await assertRejects(async () => {
    for await (const chunk of stream) {
      const batch = [chunk];
      for (let each; (each = stream[takeReady]());) batch.push(each.value);
      batches.push(batch);
    }
  });
  assertEquals(error, broken);
  assertEquals(batches, [["a0"], ["1", "2", "3"]]);
});

Deno.test("continueStream() says in the message of a SuppressedError that resume threw", async () => {
  const models = ["a", "b"].map((name) =>
    fakeModel(name, [name, step.fail(reset)])
  );
  await using stream = await continueStream(models, "hi", {
    resume: () => Promise.reject(new Error("broken")),
  });
  const error = await assertRejects(
    () => Array.fromAsync(stream),
    SuppressedError,
  );
  assertEquals(error.message, "'options.resume' threw");
});

Deno.test("continueStream() returns an empty answer with allowEmpty", async () => {
  const models = [fakeModel<string>("a", [])];
  const options = { resume, allowEmpty: true };
  await using stream = await continueStream(models, "hi", options);
  assertEquals(await Array.fromAsync(stream), []);
});

Deno.test("continueStream() rejects wrong arguments by name and value", async () => {
  const cases: [object, string][] = [
    [{}, "'options.resume' must be a function: current value is undefined"],
    [
      { resume, splice: 1 },
      "'options.splice' must be a function: current value is 1",
    ],
  ];
  for (const [options, message] of cases) {
    const open = () =>
      continueStream([fakeModel("a", ["a0"])], "hi", options as never);
    assertEquals((await assertRejects(open, TypeError)).message, message);
  }
});
