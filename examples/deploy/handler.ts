// The gateway with a playground: a page, an endpoint that streams an answer
// together with the attempts, and the chat-completions protocol under /v1.

import {
  attemptsOf,
  fallbackStream,
  type HealthStore,
  type Timeouts,
  usageOf,
} from "@fallback/stream";
import {
  type Authorize,
  type CallReport,
  gateway,
} from "@fallback/stream/gateway";
import type { ChatChunk, ChatRequest, Model } from "@fallback/stream/openai";
import { sseResponse } from "@fallback/stream/sse";
import type { Failure } from "./_failures.ts";
import { LiveCall, nameOf } from "./_live_call.ts";
import {
  expectMethod,
  type Limits,
  type Question,
  readQuestion,
  Refusal,
} from "./_request.ts";

/** Options of the handler. */
export interface HandlerOptions {
  /** The models, best first; the first ones fail in the way that is given. */
  readonly models: (
    failure: Failure,
  ) => readonly Model<ChatRequest, ChatChunk>[];
  /** The page. Without it, there is only the endpoint. */
  readonly page?: string | undefined;
  /** Remembers which models are down, over all calls. */
  readonly health?: HealthStore | undefined;
  /** The timeouts of a call. */
  readonly timeouts?: Timeouts | undefined;
  /** The limits of one request to `/chat`. */
  readonly limits?: Partial<Limits> | undefined;
  /** Checks who may call. Without it, everyone may. */
  readonly authorize?: Authorize | undefined;
  /** The most tokens of an answer. */
  readonly maxTokens?: number | undefined;
  /**
   * How many calls may run at once, under `/chat` and `/v1` each. Further ones get a
   * 503.
   */
  readonly maxConcurrent?: number | undefined;
  /** Receives a report of each call, for a log. */
  readonly onCall?: ((report: CallReport) => unknown) | undefined;
}

const LIMITS: Limits = { bytes: 64 * 1024, bodyMs: 10_000, messages: 40 };

/** The page may load nothing but itself, and connect only to this server. */
const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-cache",
  "content-security-policy":
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; " +
    "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
    "frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/**
 * Makes the handler of requests.
 *
 * - `GET /` is the page, and `GET /about` names the models for it.
 * - `POST /chat` with `{ messages, fail? }` answers with server-sent events:
 *   `attempt` whenever an attempt has changed, `reasoning`, `tool`, the text
 *   piece by piece, and `done` or `error`.
 * - `/v1` is the gateway, with the chain `chat`.
 */
export function createHandler(
  options: HandlerOptions,
): (request: Request) => Promise<Response> {
  const { models, authorize, health, timeouts, maxTokens, onCall } = options;
  const { maxConcurrent = 100 } = options;
  const limits = { ...LIMITS, ...options.limits };
  const api = gateway({
    models: { chat: () => [...models("healthy")] },
    authorize: authorize ?? "anyone",
    fallback: { health, timeouts },
    maxTokens,
    maxConcurrent,
    onCall,
  });
  let running = 0;

  async function chat(request: Request): Promise<Response> {
    expectMethod(request, "POST");
    const client = await authorize?.(request) ?? true;
    if (client === false) throw new Refusal(401, "the access key is wrong");
    const question = await readQuestion(request, limits);
    if (running >= maxConcurrent) {
      const headers = { "retry-after": "1" };
      throw new Refusal(503, "too many calls are running", headers);
    }
    running++;
    return answer(question, options, (report) => {
      running--;
      const id = client === true ? undefined : client.id;
      onCall?.({ ...report, client: id });
    });
  }

  return async (request) => {
    try {
      // A malformed Host header makes a URL that cannot be parsed.
      const pathname = URL.parse(request.url)?.pathname;
      if (pathname === undefined) {
        throw new Refusal(400, "the URL is malformed");
      }
      if (pathname.startsWith("/v1/")) return await api(request);
      if (pathname === "/chat") return await chat(request);
      if (pathname === "/about") {
        expectMethod(request, "GET", "HEAD");
        const names = models("healthy").map(({ name }) => name);
        return Response.json({ models: names, needsKey: !!authorize });
      }
      if (pathname === "/" && options.page !== undefined) {
        expectMethod(request, "GET", "HEAD");
        return new Response(options.page, { headers: PAGE_HEADERS });
      }
      throw new Refusal(404, "there is nothing here");
    } catch (error) {
      if (error instanceof Refusal) return error.toResponse();
      throw error;
    }
  };
}

/**
 * Responds before any model does, so that the attempts can be watched. The
 * response is canceled when the visitor leaves, and that ends the call. The
 * request's own signal is not needed, and aborts after complete answers too.
 */
function answer(
  { messages, fail }: Question,
  { models, health, timeouts, maxTokens }: HandlerOptions,
  onClose: (report: Omit<CallReport, "client">) => void,
): Response {
  const startedAt = performance.now();
  const request = {
    messages,
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
  };
  const call = new LiveCall((live) =>
    fallbackStream(models(fail), request, {
      ...live,
      timeouts,
      health: health && circuitsOf(health, fail),
    })
  );
  return sseResponse(call, {
    event: nameOf,
    onClose({ outcome, error }) {
      const attempts = error ? attemptsOf(error) : call.attempts;
      onClose({
        requestId: crypto.randomUUID(),
        model: "chat",
        attempts,
        usage: usageOf(attempts),
        status: STATUSES[outcome],
        durationMs: Math.round(performance.now() - startedAt),
        ...(error !== undefined && { error }),
      });
    },
  });
}

/** For the log: the response itself always begins with a 200. */
const STATUSES = { completed: 200, interrupted: 502, cancelled: 499 };

/**
 * Simulated failures do not count for the real model, so each kind of failure
 * has its own circuits.
 */
function circuitsOf(health: HealthStore, failure: Failure): HealthStore {
  if (failure === "healthy") return health;
  const nameOf = (model: string) => `${model} (${failure})`;
  return {
    admit: (model) => health.admit(nameOf(model)),
    report: (model, outcome, error) =>
      health.report(nameOf(model), outcome, error),
  };
}
