/**
 * The chat-completions protocol in front of chains.
 *
 * @module
 */

import { isInstance } from "../_shared/safe_access.ts";
import { attemptsOf } from "../attempts_of.ts";
import { CLIENT_LEFT, GatewayCall, reportCall } from "./_call.ts";
import { parseChatCall } from "./_chat_fields.ts";
import { complete, modelNotFound, toChainError } from "./_complete.ts";
import { GatewayError } from "./_gateway_error.ts";
import { readJsonObject } from "./_read_request.ts";
import { findRoute, type Route } from "./_routes.ts";
import {
  type GatewayOptions,
  parseOptions,
  type ResolvedOptions,
} from "./options.ts";

/**
 * Makes a handler that speaks the chat-completions protocol in front of chains.
 * Every application that speaks it, in any language, gets fallback by changing
 * its base URL.
 *
 * It answers `POST /v1/chat/completions`, `GET /v1/models`, `GET
 * /v1/models/{id}` and `GET /health`, all of them also without `/v1`. Nothing of
 * a client's headers reaches a provider, and nothing of a provider's headers or
 * keys reaches a client.
 *
 * @param options The chains, who may use them, and the limits.
 * @returns The handler, for `Deno.serve`, Deno Deploy, and whatever else maps a
 * `Request` to a `Response`. It never rejects.
 *
 * @example Two providers behind one model
 * ```ts
 * import { bearerKeys, gateway } from "@fallback/stream/gateway";
 * import { openaiModel } from "@fallback/stream/openai";
 * import { fakeProvider, wire } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * // Fakes, so that this runs anywhere; yours have an apiKey and no fetch.
 * const { fetch: overloaded } = fakeProvider([wire.status(529)]);
 * const { fetch } = fakeProvider(["Good ", "morning"]);
 *
 * const handler = gateway({
 *   models: {
 *     chat: [
 *       openaiModel({ model: "gpt-4o", fetch: overloaded }),
 *       openaiModel({ model: "llama", fetch }),
 *     ],
 *   },
 *   authorize: bearerKeys("for-alice-4f8a2c91"),
 *   fallback: { timeouts: { firstContentMs: 8_000, idleMs: 20_000 } },
 * });
 * // Deno.serve(handler), or for Deno Deploy: export default { fetch: handler }
 *
 * const response = await handler(
 *   new Request("http://localhost/v1/chat/completions", {
 *     method: "POST",
 *     headers: {
 *       "authorization": "Bearer for-alice-4f8a2c91",
 *       "content-type": "application/json",
 *     },
 *     body: JSON.stringify({
 *       model: "chat",
 *       messages: [{ role: "user", content: "Say good morning." }],
 *     }),
 *   }),
 * );
 * const { choices } = await response.json();
 * assertEquals(choices[0].message.content, "Good morning");
 * ```
 *
 * @throws {TypeError} If an option is missing, unknown, or of the wrong kind.
 * @throws {RangeError} If there is no model, or a number is out of range.
 */
export function gateway(
  options: GatewayOptions,
): (request: Request) => Promise<Response> {
  const resolved = parseOptions(options);
  const created = Math.floor(Date.now() / 1000);
  let running = 0;
  return async (request) => {
    const requestId = crypto.randomUUID();
    const headers = new Headers({ "x-request-id": requestId });
    try {
      const route = findRoute(request);
      if (route.type === "health") {
        return Response.json({ status: "ok" }, { headers });
      }
      const client = await authorize(request, resolved);
      if (route.type !== "chat") {
        return listModels(route, resolved, created, headers);
      }
      if (running >= resolved.maxConcurrent) throw tooManyCalls();
      running++;
      const end = () => void running--;
      const { signal } = request;
      const call = new GatewayCall(resolved, requestId, client, signal, end);
      return await runCall(request, call, headers, resolved);
    } catch (error) {
      const answer = toChainError(error);
      // It is `authorize` that threw, before there was a call.
      if (error !== answer) {
        reportCall(resolved, {
          requestId,
          client: undefined,
          model: undefined,
          attempts: [],
          usage: {},
          status: answer.status,
          durationMs: 0,
          error,
        });
      }
      return answer.toResponse(headers);
    }
  };
}

async function runCall(
  request: Request,
  call: GatewayCall,
  headers: Headers,
  options: ResolvedOptions,
): Promise<Response> {
  try {
    const body = await readJsonObject(request, options);
    const chat = parseChatCall(body, options);
    return await complete(chat, call, headers, options);
  } catch (error) {
    if (call.hasLeft) {
      call.attempts ??= attemptsOf(error);
      call.end(CLIENT_LEFT);
      // The client has left: no status reaches it.
      return new Response(null, { status: CLIENT_LEFT, headers });
    }
    const answer = toChainError(error);
    const cause = isInstance(error, GatewayError) ? error.cause : error;
    call.end(answer.status, cause ?? error);
    return answer.toResponse(headers);
  }
}

/** The `id` of the client, if there is one. */
async function authorize(
  request: Request,
  { authorize }: ResolvedOptions,
): Promise<string | undefined> {
  if (authorize === "anyone") return undefined;
  const result = await authorize(request);
  if (result === true) return undefined;
  const id = typeof result === "object" && result !== null
    ? result.id
    : undefined;
  if (typeof id === "string") return id;
  throw new GatewayError(401, "The API key is missing or wrong.", {
    type: "authentication_error",
    code: "invalid_api_key",
    headers: { "www-authenticate": "Bearer" },
  });
}

function tooManyCalls(): GatewayError {
  return new GatewayError(503, "Too many calls are running.", {
    code: "too_many_calls",
    headers: { "retry-after": "1" },
  });
}

function listModels(
  route: Route,
  { models }: ResolvedOptions,
  created: number,
  headers: Headers,
): Response {
  const describe = (id: string) => ({
    id,
    object: "model",
    created,
    owned_by: "fallback",
  });
  if (route.type !== "model") {
    const data = Object.keys(models).map(describe);
    return Response.json({ object: "list", data }, { headers });
  }
  const { id } = route;
  if (!Object.hasOwn(models, id)) throw modelNotFound(id);
  return Response.json(describe(id), { headers });
}
