// A chat that shows how it came about: a page, and an endpoint that streams an
// answer together with what was tried for it.

import {
  fallbackStream,
  type HealthStore,
  type Timeouts,
} from "@fallback/stream";
import type { ChatChunk, ChatRequest, Model } from "@fallback/stream/openai";
import { sseResponse } from "@fallback/stream/sse";
import type { Failure } from "./_failures.ts";
import { LiveCall } from "./_live_call.ts";
import {
  expectMethod,
  type Limits,
  type Question,
  readQuestion,
  Refusal,
} from "./_request.ts";

/** What a handler needs. */
export interface HandlerOptions {
  /** The models, best first; the first ones fail in the way that is given. */
  readonly models: (
    failure: Failure,
  ) => readonly Model<ChatRequest, ChatChunk>[];
  /** The page. Without it, there is only the endpoint. */
  readonly page?: string | undefined;
  /** Remembers which models are down, over all calls. */
  readonly health?: HealthStore | undefined;
  /** How long to wait for whom. */
  readonly timeouts?: Timeouts | undefined;
  /** How much one request may ask. */
  readonly limits?: Partial<Limits> | undefined;
}

const LIMITS: Limits = { bytes: 64 * 1024, bodyMs: 10_000, messages: 40 };

/** The page needs nothing but itself and this server. */
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
 * - `GET /` is the page.
 * - `POST /chat` with `{ messages, fail? }` answers with server-sent events:
 *   `attempt` whenever what was tried has changed, the text piece by piece, and
 *   `done` or `error`.
 */
export function createHandler(
  options: HandlerOptions,
): (request: Request) => Promise<Response> {
  const limits = { ...LIMITS, ...options.limits };
  return async (request) => {
    const { pathname } = new URL(request.url);
    try {
      if (pathname === "/chat") {
        expectMethod(request, "POST");
        return chat(await readQuestion(request, limits), options);
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
 * Answers before any model does, so that the attempts can be watched. The
 * response is cancelled when the visitor leaves, and that ends the call: the
 * request's own signal is not needed, and aborts after good answers too.
 */
function chat(
  { messages, fail }: Question,
  { models, health, timeouts }: HandlerOptions,
): Response {
  const call = new LiveCall((live) =>
    fallbackStream(models(fail), { messages }, {
      ...live,
      timeouts,
      health: health && circuitsOf(health, fail),
    })
  );
  return sseResponse(call, {
    event: (event) => typeof event === "string" ? undefined : "attempt",
  });
}

/**
 * Failures that a visitor has asked for say nothing about a model: each kind
 * has circuits of its own.
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
