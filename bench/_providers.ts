// Providers that are slow, fail, fall silent and have outages, by the odds that
// they were given. What an attempt meets depends on the call, the provider, how
// often this call has called it before, and the time, but not on the strategy.

import { type Model, ModelTimeoutError } from "@fallback/stream";
import { delay } from "@std/async/delay";
import type { Parameters } from "./_parameters.ts";
import { exponential, normal, pareto, random } from "./_random.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** What a caller asks. */
export interface Request {
  readonly call: number;
  /** How much longer than usual it takes everybody to begin, from -∞ to ∞. */
  readonly weight: number;
  /** How often each provider was called. */
  readonly attempts: number[];
  /** How many attempts `firstContentMs` ended although they would answer. */
  wrong: number;
}

/** What happens to the first provider at the moment. */
export interface Condition {
  /** By which factor its answers begin later. */
  readonly slower: number;
  /** Which share of its answers never begins. */
  readonly hanging: number;
}

const USUAL: Condition = { slower: 1, hanging: 0 };

/** What was done to the providers; they keep nothing else. */
export interface Ledger {
  attempts: number;
  opened: number;
  closed: number;
}

/** A provider answers with an error, or breaks off with one. */
export class ProviderError extends Error {
  override readonly name = "ProviderError";
  readonly status = 529;
}

/** The providers of one run, and the ledger that they share. */
export function makeProviders(
  parameters: Parameters,
  conditionAt: (atMs: number) => Condition = () => USUAL,
): { models: Model<Request, number>[]; ledger: Ledger } {
  const ledger: Ledger = { attempts: 0, opened: 0, closed: 0 };
  const models = parameters.medianMs.map((_, provider) =>
    makeProvider(
      parameters,
      provider,
      ledger,
      provider === 0 ? conditionAt : () => USUAL,
    )
  );
  return { models, ledger };
}

function makeProvider(
  parameters: Parameters,
  provider: number,
  ledger: Ledger,
  conditionAt: (atMs: number) => Condition,
): Model<Request, number> {
  const { chunks, paceMs, refusalMs } = parameters;
  const isDown = outages(parameters, provider);

  async function* answer(
    { firstMs, failsAt, silent }: Fate,
    signal: AbortSignal,
    request: Request,
  ): AsyncGenerator<number> {
    ledger.opened++;
    try {
      for (let chunk = 0; chunk < chunks; chunk++) {
        const fails = chunk === failsAt;
        if (fails && silent) await forever(signal);
        try {
          await delay(chunk === 0 ? firstMs : paceMs, { signal });
        } catch (error) {
          if (
            error instanceof ModelTimeoutError &&
            error.phase === "firstContent"
          ) request.wrong++;
          throw error;
        }
        if (fails) throw new ProviderError("overloaded");
        yield chunk;
      }
    } finally {
      ledger.closed++;
    }
  }

  return {
    name: `provider-${provider + 1}`,
    async stream(request, { signal }) {
      ledger.attempts++;
      const fate = decide(
        parameters,
        request,
        provider,
        isDown(),
        conditionAt(Date.now()),
      );
      if (fate.failsAt === 0 && !fate.silent) {
        await delay(refusalMs, { signal });
        throw new ProviderError("overloaded");
      }
      return answer(fate, signal, request);
    },
  };
}

/** What becomes of an attempt. */
interface Fate {
  readonly firstMs: number;
  /** After how many chunks it fails, if it does. */
  readonly failsAt: number | undefined;
  readonly silent: boolean;
}

function decide(
  parameters: Parameters,
  request: Request,
  provider: number,
  down: boolean,
  condition: Condition,
): Fate {
  const { call, weight, attempts } = request;
  const before = attempts[provider] ?? 0;
  attempts[provider] = before + 1;
  const draw = random(parameters.seed, call, provider, before);
  const fails = draw() < parameters.failures || down;
  const breaksOff = draw() < parameters.interrupted;
  const breakAt = 1 + Math.floor(draw() * (parameters.chunks - 1));
  const silent = draw() < parameters.silent;
  const { shortestMs, longestMs } = parameters;
  const { sigma, shared, medianMs, tail, tailShape } = parameters;
  const luck = Math.sqrt(shared) * weight +
    Math.sqrt(1 - shared) * normal(draw);
  const late = draw() < tail ? pareto(draw, tailShape) : 1;
  const hangs = draw() < condition.hanging;
  const usualMs = medianMs[provider]! * Math.exp(sigma * luck) * late;
  return {
    firstMs: condition.slower *
      Math.min(Math.max(usualMs, shortestMs), longestMs),
    failsAt: fails || hangs ? 0 : breaksOff ? breakAt : undefined,
    silent: silent || hangs,
  };
}

/** The times to first content of the first model, were there no failures. */
export function firstTimes(parameters: Parameters): Float64Array {
  return Float64Array.from({ length: parameters.calls }, (_, call) => {
    const { request } = arrival(parameters, call);
    return decide(parameters, request, 0, false, USUAL).firstMs;
  });
}

/** A call, and how long after the one before it comes. */
export function arrival(
  { seed, callsPerMinute }: Parameters,
  call: number,
): { request: Request; gapMs: number } {
  const draw = random(seed, call);
  const gapMs = exponential(draw, MINUTE / callsPerMinute);
  return {
    request: { call, weight: normal(draw), attempts: [], wrong: 0 },
    gapMs,
  };
}

/** Whether a provider is down at the moment; time must not run back. */
function outages(
  { seed, outageHours, outageMinutes }: Parameters,
  provider: number,
): () => boolean {
  const draw = random(seed, provider, 0);
  let from = 0;
  let to = 0;
  return () => {
    while (to <= Date.now()) {
      from = to + exponential(draw, outageHours * HOUR);
      to = from + exponential(draw, outageMinutes * MINUTE);
    }
    return from <= Date.now();
  };
}

/** Until the signal aborts. */
function forever(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), {
      once: true,
    });
  });
}
