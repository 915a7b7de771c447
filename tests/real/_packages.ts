// The packages of the matrix: those pinned in deno.json, or the newest ones.

import config from "../../deno.json" with { type: "json" };

/** The packages that clients load, by their name in deno.json. */
export interface Packages {
  readonly "@ai-sdk/anthropic": typeof import("@ai-sdk/anthropic");
  readonly "@ai-sdk/cerebras": typeof import("@ai-sdk/cerebras");
  readonly "@ai-sdk/cohere": typeof import("@ai-sdk/cohere");
  readonly "@ai-sdk/deepseek": typeof import("@ai-sdk/deepseek");
  readonly "@ai-sdk/fireworks": typeof import("@ai-sdk/fireworks");
  readonly "@ai-sdk/google": typeof import("@ai-sdk/google");
  readonly "@ai-sdk/groq": typeof import("@ai-sdk/groq");
  readonly "@ai-sdk/mistral": typeof import("@ai-sdk/mistral");
  readonly "@ai-sdk/openai": typeof import("@ai-sdk/openai");
  readonly "@ai-sdk/openai-compatible":
    typeof import("@ai-sdk/openai-compatible");
  readonly "@ai-sdk/togetherai": typeof import("@ai-sdk/togetherai");
  readonly "@ai-sdk/xai": typeof import("@ai-sdk/xai");
  readonly "@openrouter/ai-sdk-provider":
    typeof import("@openrouter/ai-sdk-provider");
  readonly "@ai-sdk6/anthropic": typeof import("@ai-sdk6/anthropic");
  readonly "@ai-sdk6/google": typeof import("@ai-sdk6/google");
  readonly "@ai-sdk6/openai": typeof import("@ai-sdk6/openai");
  readonly "@ai-sdk6/openai-compatible":
    typeof import("@ai-sdk6/openai-compatible");
  readonly "@anthropic-ai/sdk": typeof import("@anthropic-ai/sdk");
  readonly "@google/genai": typeof import("@google/genai");
  readonly "@mistralai/mistralai": typeof import("@mistralai/mistralai");
  readonly "cohere-ai": typeof import("cohere-ai");
  readonly "groq-sdk": typeof import("groq-sdk");
  readonly "ollama": typeof import("ollama/browser");
  readonly "openai": typeof import("openai");
}

/** Loads a package by its name in deno.json. */
export type Load = <Name extends keyof Packages>(
  name: Name,
) => Promise<Packages[Name]>;

/** Subpaths that are loaded instead of the package itself. */
const SUBPATHS: Readonly<Record<string, string>> = { ollama: "/browser" };

/** The package and version of a name in deno.json. */
export function specifierOf(name: string, isLatest: boolean): string {
  const pinned = (config.imports as Record<string, string>)[name]!;
  if (!isLatest) return pinned + (SUBPATHS[name] ?? "");
  const [, packageName, major] = /^(npm:.+)@(\d+)/.exec(pinned)!;
  // The packages of AI SDK 6 keep their major version.
  const version = name.startsWith("@ai-sdk6/") ? `^${major}.0.0` : "latest";
  return `${packageName}@${version}${SUBPATHS[name] ?? ""}`;
}

/** Returns the function that loads pinned or newest packages. */
export function loader(isLatest: boolean): Load {
  return async (name) => await import(specifierOf(name, isLatest));
}
