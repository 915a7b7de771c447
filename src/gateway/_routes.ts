// Which paths and methods there are.

import { GatewayError } from "./_gateway_error.ts";

/** What a request is for; `id` is the model whose details are requested. */
export type Route =
  | { readonly type: "chat" | "models" | "health" }
  | { readonly type: "model"; readonly id: string };

/** What the clients of other endpoints of the OpenAI API have to set. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  "/responses":
    "The gateway speaks chat completions only. In the AI SDK use 'provider.chat(model)' or '@ai-sdk/openai-compatible'; in the agents SDK 'setOpenAIAPI(\"chat_completions\")'; elsewhere use the chat completions API.",
  "/completions":
    "The gateway speaks chat completions only: set your client to '/v1/chat/completions'.",
  "/embeddings":
    "The gateway speaks chat completions only: set another base URL for embeddings.",
};

/**
 * Finds the route of a request.
 *
 * @throws {GatewayError} 404 or 405.
 */
export function findRoute({ method, url }: Request): Route {
  // The URL of a request with a malformed host cannot be parsed.
  const pathname = URL.parse(url)?.pathname ?? "";
  const path = pathname.startsWith("/v1/") ? pathname.slice(3) : pathname;
  const name = `/${path.split("/")[1]}`;
  if (Object.hasOwn(UNSUPPORTED, name)) {
    throw new GatewayError(404, UNSUPPORTED[name]!, {
      code: "unsupported_endpoint",
    });
  }
  const route = routeOf(path);
  if (!route) {
    throw new GatewayError(404, "There is nothing at this path.", {
      code: "not_found",
    });
  }
  const allowed = route.type === "chat" ? ["POST"] : ["GET", "HEAD"];
  if (!allowed.includes(method)) {
    const allow = allowed.join(", ");
    throw new GatewayError(405, `The method must be ${allow}.`, {
      code: "method_not_allowed",
      headers: { allow },
    });
  }
  return route;
}

function routeOf(path: string): Route | undefined {
  if (path === "/chat/completions") return { type: "chat" };
  if (path === "/models") return { type: "models" };
  if (path === "/health") return { type: "health" };
  if (!path.startsWith("/models/")) return undefined;
  try {
    return { type: "model", id: decodeURIComponent(path.slice(8)) };
  } catch {
    return undefined;
  }
}
