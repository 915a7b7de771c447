// Well-known names of providers, and where they are.

import { getProperty } from "../_shared/safe_access.ts";

/** Values of `gen_ai.provider.name` that the conventions define, by host. */
const HOSTS: readonly (readonly [host: RegExp, name: string])[] = [
  [/^api\.openai\.com$/, "openai"],
  [/\.openai\.azure\.com$/, "azure.ai.openai"],
  [/\.(inference|services)\.ai\.azure\.com$/, "azure.ai.inference"],
  [/^api\.anthropic\.com$/, "anthropic"],
  [/^generativelanguage\.googleapis\.com$/, "gcp.gemini"],
  [/aiplatform\.googleapis\.com$/, "gcp.vertex_ai"],
  [/^bedrock-runtime\..*\.amazonaws\.com$/, "aws.bedrock"],
  [/^api\.groq\.com$/, "groq"],
  [/^api\.mistral\.ai$/, "mistral_ai"],
  [/^api\.deepseek\.com$/, "deepseek"],
  [/^api\.x\.ai$/, "x_ai"],
  [/^api\.cohere\.(com|ai)$/, "cohere"],
  [/^api\.perplexity\.ai$/, "perplexity"],
  [/^api\.moonshot\.(ai|cn)$/, "moonshot_ai"],
  [/\.ml\.cloud\.ibm\.com$/, "ibm.watsonx.ai"],
];

/** The same, by the name that the AI SDK gives a provider. */
const NAMES: Readonly<Record<string, string>> = {
  openai: "openai",
  anthropic: "anthropic",
  azure: "azure.ai.openai",
  "azure-openai": "azure.ai.openai",
  "amazon-bedrock": "aws.bedrock",
  bedrock: "aws.bedrock",
  google: "gcp.gemini",
  "google-vertex": "gcp.vertex_ai",
  "google.vertex": "gcp.vertex_ai",
  vertex: "gcp.vertex_ai",
  groq: "groq",
  mistral: "mistral_ai",
  deepseek: "deepseek",
  xai: "x_ai",
  cohere: "cohere",
  perplexity: "perplexity",
  moonshotai: "moonshot_ai",
};

/** The attributes that say who serves a model, and where. */
export interface ProviderAttributes {
  "gen_ai.provider.name"?: string;
  "server.address"?: string;
  "server.port"?: number;
}

/**
 * Reads `Model.provider`: the host of a server, with or without a port, or a
 * name such as `openai` or the `openai.chat` of the AI SDK.
 */
export function providerAttributes(
  provider: string | undefined,
): ProviderAttributes {
  if (provider === undefined) return {};
  // What `./openai` calls the server of OpenAI.
  if (provider === "openai") provider = "api.openai.com";
  const url = isHost(provider) ? parse(`https://${provider}`) : undefined;
  if (!url) {
    const name = provider.replace(KIND, "");
    const known = NAMES[name.toLowerCase()] ??
      NAMES[name.toLowerCase().split(".")[0]!];
    return { "gen_ai.provider.name": known ?? name };
  }
  const name = HOSTS.find(([host]) => host.test(url.hostname))?.[1];
  const address = url.hostname.replace(/^\[|\]$/g, "");
  return {
    "gen_ai.provider.name": name ?? address,
    "server.address": address,
    "server.port": Number(url.port) || 443,
  };
}

/** What the AI SDK adds to the name of a provider, as in `openai.chat`. */
const KIND =
  /\.(?:anthropic|chat|completions?|generative-ai|messages|responses)$/i;

/** A name with a dot or a port, an address, or `localhost`. */
function isHost(provider: string): boolean {
  return !KIND.test(provider) &&
    /^(\[[\da-f:]+\](:\d+)?|[\w-]+(\.[\w-]+)+(:\d+)?|[\w-]+:\d+|localhost)$/i
      .test(provider);
}

function parse(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}

/** How long an `error.type` may be, and what it may hold. */
const ERROR_TYPE = /^[\w.]{1,64}$/;

/**
 * A bounded `error.type`: the HTTP status, else the code of the error or of its
 * cause (`ECONNREFUSED`), else its name; `_OTHER` if none of them is usable.
 */
export function errorTypeOf(error: unknown, status?: number): string {
  if (Number.isInteger(status) && status! >= 100 && status! <= 599) {
    return String(status);
  }
  const cause = getProperty(error, "cause");
  const candidates = [
    getProperty(error, "code"),
    getProperty(cause, "code"),
    getProperty(error, "name"),
  ];
  for (const candidate of candidates) {
    const isType = typeof candidate === "string" &&
      ERROR_TYPE.test(candidate) && Number.isNaN(Number(candidate)) &&
      candidate !== "NaN";
    if (isType) return candidate;
  }
  return "_OTHER";
}
