// The health store: whether a model is called at all (R21). Outcomes are
// reported by the attempt and by the committed stream.

import { ignoreErrors } from "../_shared/ignore_errors.ts";
import { getProperty } from "../_shared/safe_access.ts";
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
  const { health } = chain.options;
  if (!health) return;
  ignoreErrors(() =>
    health.prepare?.(chain.models.slice(from).map(({ name }) => name))
  );
}

/**
 * Whether the store lets a model be called; if not, the model is recorded as
 * skipped. A retry waits once for a circuit that closes soon.
 */
export async function admitModel<Request, Chunk>(
  call: Call<Request, Chunk>,
  model: Model<Request, Chunk>,
  index: number,
  isRetry: boolean,
): Promise<boolean> {
  const { chain, scope } = call;
  for (let canWait = isRetry;; canWait = false) {
    const retryAt = await askStore(call, model.name);
    if (retryAt === undefined || !scope.isActive) return scope.isActive;
    recordSkip(call, model, index, retryAt);
    const waitMs = Math.max(0, retryAt - Date.now());
    if (!canWait || !(waitMs <= chain.retry!.maxDelayMs)) return false;
    await scope.sleep(waitMs);
    if (!scope.isActive) return false;
  }
}

/** When to ask the store again; `undefined` if it admits the model. */
async function askStore<Request, Chunk>(
  call: Call<Request, Chunk>,
  name: string,
): Promise<number | undefined> {
  const { chain, log, scope } = call;
  if (!scope.isActive) return undefined;
  let answer: unknown;
  let admission: unknown;
  try {
    answer = admission = chain.options.health!.admit(name);
    if (typeof getProperty(answer, "then") === "function") {
      admission = undefined;
      if (!call.isStoreSlow && scope.isActive) {
        const waiting = scope.waitFor(
          answer as PromiseLike<unknown>,
          ADMIT_TIMEOUT_MS,
        );
        admission = await waiting;
        call.isStoreSlow = admission === undefined;
      }
    }
  } catch {
    call.isStoreSlow = true; // a store never makes a call fail
  }
  if (!scope.isActive) {
    // A probe that arrives when nobody needs it any more is given back.
    ignoreErrors(async () => {
      if (getProperty(await answer, "admit") === true) {
        log.report(name, "released");
      }
    });
    return undefined;
  }
  if (getProperty(admission, "admit") !== false) return undefined;
  const retryAt = getProperty(admission, "retryAt");
  return typeof retryAt === "number" && !Number.isNaN(retryAt)
    ? retryAt
    : Date.now();
}

function recordSkip<Request, Chunk>(
  { log }: Call<Request, Chunk>,
  model: Model<Request, Chunk>,
  index: number,
  retryAt: number,
): void {
  const error = new CircuitOpenError(model.name, retryAt);
  const record = newRecord(model, index, log.count + 1);
  const { startedAt } = record;
  Object.assign(record, { outcome: "skipped", endedAt: startedAt, error });
  log.add(record);
  log.addEnding(model.name, index, "skipped", error);
  log.emit("skipped", record, startedAt, { error });
}
