/**
 * The configuration of the command.
 *
 * @module
 */

import type { RetryOptions } from "../types/options.ts";

/** One model of a chain. */
export interface ModelConfig {
  /**
   * A well-known provider, such as `"openai"`, `"groq"` or `"ollama"`. Another
   * server needs a `baseURL`.
   */
  readonly provider?: string | undefined;
  /** The name of the model on the server. */
  readonly model: string;
  /** The key, or `"$NAME"` for that of an environment variable. */
  readonly apiKey?: string | undefined;
  /** The URL before `/chat/completions`. */
  readonly baseURL?: string | undefined;
  /** The name of the model in logs. */
  readonly name?: string | undefined;
  /** Further headers. A value may be `"$NAME"`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How the model is made to continue a text that broke off. */
  readonly continuation?: "prefill" | "ask" | undefined;
}

/** A configuration, as the file has it. */
export interface ServeConfig {
  /** Access keys. One may be `"$NAME"`, with commas between several keys. */
  readonly keys?: readonly string[] | undefined;
  /** The chains: the model name that clients send, and the models that answer, in
   * order of preference. */
  readonly models: Readonly<Record<string, readonly ModelConfig[]>>;
  /** How the models of a chain are tried. */
  readonly fallback?: {
    readonly timeouts?:
      | Readonly<
        Partial<
          Record<
            "openMs" | "firstContentMs" | "idleMs" | "totalMs" | "closeMs",
            number
          >
        >
      >
      | undefined;
    readonly retry?: Omit<RetryOptions, "isRetriable"> | undefined;
    readonly hedge?:
      | { readonly afterMs: number; readonly maxInFlight?: number | undefined }
      | undefined;
  } | undefined;
  /**
   * Whether models that are down are skipped for a while.
   *
   * @default {false}
   */
  readonly health?: boolean | undefined;
  /** The most tokens that the answers to one request may have. */
  readonly maxTokens?: number | undefined;
  /**
   * The port.
   *
   * @default {8787}
   */
  readonly port?: number | undefined;
  /**
   * The host. Any other host than this machine's own needs `keys`.
   *
   * @default {"127.0.0.1"}
   */
  readonly host?: string | undefined;
}
