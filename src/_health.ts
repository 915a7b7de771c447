// Health: the question whether a model is to be asked at all. What it is worth
// is reported where that is seen: by an attempt and by the committed stream.

import type { Call } from "./_call.ts";
import { CircuitOpenError } from "./errors.ts";
import type { Admission, Attempt, HealthStore, Model } from "./types.ts";

/** How long a store may think, in milliseconds. */
const PATIENCE_MS = 250;

/** What a store answers, and what it has said in time. */
interface Asked {
  readonly answer: Admission | PromiseLike<Admission> | undefined;
  readonly admission: Admission | undefined;
}

/** Asks whether a model may be asked, and waits for the answer. */
export async function ask<Request, Chunk>(
  call: Call<Request, Chunk>,
  gate: HealthStore,
  { name }: Model<Request, Chunk>,
): Promise<Asked> {
  let answer: Admission | PromiseLike<Admission> | undefined;
  let admission: Admission | undefined;
  try {
    answer = gate.admit(name);
    admission = "then" in answer
      ? await call.wait(answer, PATIENCE_MS)
      : answer;
  } catch {
    // A store in trouble stands in nobody's way.
  }
  return { answer, admission };
}

/**
 * Whether the store lets a model be asked; where not, a record says that it was
 * skipped.
 *
 * @throws What has ended the call from outside while that was told.
 */
export function isAdmitted<Request, Chunk>(
  call: Call<Request, Chunk>,
  { answer, admission }: Asked,
  { name }: Model<Request, Chunk>,
  index: number,
): boolean {
  if (call.isOver()) release(call, name, answer);
  else if (admission?.admit === false) {
    skip(call, name, index, admission.retryAt);
    call.throwIfStopped();
    return false;
  }
  return true;
}

/** Gives a probe back that came when nobody needed it any more. */
async function release<Request, Chunk>(
  call: Call<Request, Chunk>,
  name: string,
  answer: Admission | PromiseLike<Admission> | undefined,
): Promise<void> {
  try {
    if ((await answer)?.admit) call.report(name, "released");
  } catch {
    // It has given nothing.
  }
}

function skip<Request, Chunk>(
  call: Call<Request, Chunk>,
  model: string,
  index: number,
  retryAt: number,
): void {
  const { attempts } = call;
  const now = Date.now();
  const error = new CircuitOpenError(model, retryAt);
  const record: Attempt = {
    model,
    index,
    attempt: attempts.length + 1,
    startedAt: now,
    endedAt: now,
    outcome: "skipped",
    chunks: 0,
    error,
  };
  attempts.push(record);
  call.emit("skipped", record, { error });
}
