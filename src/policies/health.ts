// The health store: whether a model is called at all (R21). Outcomes are
// reported by the attempt and by the committed stream.

import { ignoreErrors, ignoreRejection } from "../_shared/ignore_errors.ts";
import { getProperty, isPromise } from "../_shared/safe_access.ts";
import { newRecord } from "../engine/attempt_runner.ts";
import type { Call } from "../engine/call.ts";
import { CircuitOpenError } from "../errors.ts";
import type { Model } from "../types/model.ts";

/** How long a call waits for a store, in milliseconds. */
const ADMIT_TIMEOUT_MS = 250;

/** Lets the store read all models of a call at once. */
export function prepareStore<Request, Chunk>(
  { chain }: Call<Request, Chunk>,
  from: number,
): void {
  const { health } = chain;
  if (!health) return;
  ignoreErrors(() =>
    health.prepare?.(chain.models.slice(from).map(({ name }) => name))
  );
}

/** The answer of a store about a model. */
export type Verdict =
  /** It admits the model, which may be a probe that has to report. */
  | "admitted"
  /** It has not answered in time, or has thrown: the model is called. */
  | "unknown"
  /** The model is skipped, and recorded as skipped. */
  | "refused";

/**
 * Asks the store whether a model may be called. A retry waits once for a
 * circuit that closes soon.
 */
export async function admitModel<Request, Chunk>(
  call: Call<Request, Chunk>,
  model: Model<Request, Chunk>,
  index: number,
  isRetry: boolean,
): Promise<Verdict> {
  const { chain, scope } = call;
  for (let canWait = isRetry;; canWait = false) {
    const answer = await askStore(call, model.name);
    if (typeof answer === "string") return answer;
    if (!scope.isActive) return "refused";
    recordSkip(call, model, index, answer.retryAt);
    const waitMs = Math.max(0, answer.retryAt - Date.now());
    if (!canWait || waitMs > chain.retry!.maxDelayMs) return "refused";
    await scope.sleep(waitMs);
    if (!scope.isActive) return "refused";
  }
}

async function askStore<Request, Chunk>(
  call: Call<Request, Chunk>,
  name: string,
): Promise<"admitted" | "unknown" | { retryAt: number }> {
  const { chain, scope } = call;
  let admission: unknown;
  try {
    const answer: unknown = admission = chain.health!.admit(name);
    if (isPromise(answer)) {
      if (call.isStoreSlow) ignoreRejection(answer);
      admission = call.isStoreSlow
        ? undefined
        : await scope.waitFor(answer, ADMIT_TIMEOUT_MS);
      if (admission === undefined) {
        call.isStoreSlow ||= scope.isActive;
        if (!scope.isActive) releaseLater(call, answer, name);
      }
    }
  } catch {
    call.isStoreSlow = true; // a store never makes a call fail
  }
  const isAdmitted = getProperty(admission, "admit");
  if (isAdmitted !== false) return isAdmitted === true ? "admitted" : "unknown";
  const retryAt = getProperty(admission, "retryAt");
  const isTime = typeof retryAt === "number" && !Number.isNaN(retryAt);
  return { retryAt: isTime ? retryAt : Date.now() };
}

/** Releases a probe that is admitted after the call has ended. */
function releaseLater<Request, Chunk>(
  { log }: Call<Request, Chunk>,
  answer: PromiseLike<unknown>,
  name: string,
): void {
  ignoreErrors(async () => {
    if (getProperty(await answer, "admit") === true) {
      log.report(name, "released");
    }
  });
}

function recordSkip<Request, Chunk>(
  { log }: Call<Request, Chunk>,
  model: Model<Request, Chunk>,
  index: number,
  retryAt: number,
): void {
  const error = new CircuitOpenError(model.name, retryAt);
  const number = log.count + 1;
  const record = newRecord(model, index, number);
  const { startedAt } = record;
  Object.assign(record, { outcome: "skipped", endedAt: startedAt, error });
  log.add(record);
  log.addEnding({
    model: model.name,
    modelIndex: index,
    number,
    outcome: "skipped",
    error,
  });
  log.emit("skipped", record, startedAt, { error });
}
