// One way of using a library in a process of its own, so that no other library
// slows its functions down or fills its heap. It runs jobs and prints how long
// each took. Without a way, it only reads the sources.

import { serveCommands } from "../../tests/_child_process.ts";
import type { Library, Open, Part, Source } from "./_library.ts";

/** A job, repeated `times` times. */
export type Job =
  & { readonly times: number }
  & (
    | { readonly what: "chunk"; readonly kind: "generator" | "readable" }
    | {
      readonly what: "call";
      readonly models: number;
      readonly atOnce: number;
    }
  );

const text: Part = { type: "text-delta", id: "1", delta: "word" };
const start: Part = { type: "text-start", id: "1" };
const end: Part = { type: "text-end", id: "1" };
const finish: Part = {
  type: "finish",
  finishReason: { unified: "stop", raw: "stop" },
  usage: {
    inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 1, text: 1, reasoning: 0 },
  },
};

/** The part at an index of an answer. */
function partAt(place: number, count: number): Part {
  return place === 0
    ? start
    : place < count - 2
    ? text
    : place === count - 2
    ? end
    : finish;
}

async function* generator(count: number): AsyncGenerator<Part> {
  for (let i = 0; i < count; i++) yield partAt(i, count);
}

function readable(count: number): ReadableStream<Part> {
  let i = 0;
  return new ReadableStream({
    pull(controller) {
      if (i < count) controller.enqueue(partAt(i++, count));
      else controller.close();
    },
  }, { highWaterMark: 0 });
}

const sources = { generator, readable };

async function drain(
  chunks: AsyncIterable<unknown>,
  atLeast: number,
): Promise<void> {
  let count = 0;
  for await (const _ of chunks) count++;
  if (count < atLeast) throw new Error(`only ${count} of ${atLeast} chunks`);
}

async function callOnce(open: Open): Promise<void> {
  await drain(await open(), 1);
}

const refused = Object.assign(new Error("overloaded"), { statusCode: 503 });
const refuse: Source = () => {
  throw refused;
};

/** Prepares a call of one way. */
type Bare = (sources: readonly Source[]) => Open;

function workOf(job: Job, bare: Bare): () => Promise<void> {
  const { times } = job;
  if (job.what === "chunk") {
    const open = bare([() => sources[job.kind](times)]);
    // Some libraries drop the parts around the text.
    return async () => await drain(await open(), times - 4);
  }
  const { models, atOnce } = job;
  const open = bare(Array.from(
    { length: models },
    (_, i) => i < models - 1 ? refuse : () => readable(4),
  ));
  if (atOnce === 1) {
    return async () => {
      for (let made = 0; made < times; made++) await callOnce(open);
    };
  }
  return async () => {
    for (let made = 0; made < times; made += atOnce) {
      await Promise.all(Array.from({ length: atOnce }, () => callOnce(open)));
    }
  };
}

if (import.meta.main) {
  const [module, name]: string[] = JSON.parse(Deno.args[0]!);
  let bare: Bare = ([source]) => () => source!();
  if (module !== undefined) {
    const libraries: Record<string, Library> = await import(module);
    const ways = Object.values(libraries).flatMap(({ ways }) => ways);
    bare = ways.find((way) => way.name === name)!.bare;
  }
  await serveCommands({
    async measure(job: Job) {
      const work = workOf(job, bare);
      // No garbage collection before: it would discard the compiled code of
      // shapes without objects, and each round would start cold.
      const begin = performance.now();
      await work();
      return performance.now() - begin;
    },
  });
  Deno.exit(); // whatever a library has left running
}
