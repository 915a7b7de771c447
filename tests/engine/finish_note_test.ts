// What a model's iterator says of its answer besides the chunks.

import { attemptsOf, fallbackStream } from "@fallback/stream";
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  type FinishNote,
  finishNote,
  finishNoteOf,
} from "../../src/engine/finish_note.ts";
import { test } from "../_test_without_permissions.ts";

function model(note: FinishNote | undefined, chunks: string[]) {
  return () => ({
    [Symbol.asyncIterator]: () =>
      Object.assign(ReadableStream.from(chunks)[Symbol.asyncIterator](), {
        [finishNote]: note,
      }),
  });
}

const note = (reason: string | undefined, isUsual = false): FinishNote => ({
  reason,
  isUsual,
  model: undefined,
});

/** The reason in the record of an answer that is read to its end, or is not. */
async function recordedReason(
  given: FinishNote | undefined,
  isRead = true,
): Promise<unknown> {
  const stream = await fallbackStream([model(given, ["a0", "a1"])], "hi");
  if (isRead) await Array.fromAsync(stream);
  else await stream.return();
  const [record] = stream.attempts;
  assertStrictEquals(finishNoteOf(record!), given);
  return "finishReason" in record! ? record.finishReason : "absent";
}

test("Attempt.finishReason is the reason of a completed answer, unless it is a usual one", async () => {
  assertEquals(await recordedReason(note("content_filter")), "content_filter");
  assertEquals(await recordedReason(note("stop", true)), "absent");
  assertEquals(await recordedReason(note(undefined)), "absent");
  assertEquals(await recordedReason(note("length"), false), "absent");
  assertEquals(await recordedReason(undefined), "absent");
});

test("EmptyStreamError.finishReason is the reason of the model", async () => {
  const empty = model(note("content_filter"), []);
  const error = await assertRejects(() => fallbackStream([empty], "hi"));
  const { error: failure } = attemptsOf(error)[0]!;
  assertEquals(Object(failure).finishReason, "content_filter");
});
