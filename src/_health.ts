// Health: the question whether a model is to be asked at all. What it is worth
// is reported where that is seen: by an attempt and by the committed stream.

import type { Call } from "./_call.ts";
import { LiveAttempt } from "./_live_attempt.ts";
import { quietly } from "./_quietly.ts";
import { CircuitOpenError } from "./errors.ts";
import type { Admission, HealthStore, Model } from "./types.ts";

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
  model: Model<Request, Chunk>,
  index: number,
): boolean {
  const { name } = model;
  if (call.isOver()) {
    // A probe that came when nobody needed it any more is given back.
    quietly(async () => {
      if ((await answer)?.admit) call.report(name, "released");
    });
  } else if (admission?.admit === false) {
    const error = new CircuitOpenError(name, admission.retryAt);
    new LiveAttempt(call, model, index).end("skipped", { error });
    call.throwIfStopped();
    return false;
  }
  return true;
}
