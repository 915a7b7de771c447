// From a configuration to the options of a gateway. Errors name the place in the
// file and never show a value that may be secret.

import { describeValue } from "../_shared/error_text.ts";
import { bearerKeys } from "../gateway/bearer_keys.ts";
import type { GatewayOptions } from "../gateway/options.ts";
import { memoryHealth } from "../health/mod.ts";
import { hideValues } from "../openai/_headers.ts";
import { openaiModel } from "../openai/mod.ts";
import { PROVIDERS } from "./_providers.ts";

/** Reads an environment variable. */
export type Env = (name: string) => string | undefined;

/** A configuration that can be served. */
export interface ResolvedConfig {
  readonly options: Pick<
    GatewayOptions,
    "models" | "authorize" | "fallback" | "maxTokens"
  >;
  readonly hasKeys: boolean;
  readonly port: number;
  readonly host: string;
}

const FIELDS = [
  "keys",
  "models",
  "fallback",
  "health",
  "maxTokens",
  "port",
  "host",
];
const MODEL_FIELDS = [
  "provider",
  "model",
  "apiKey",
  "baseURL",
  "name",
  "headers",
  "continuation",
];
const FALLBACK_FIELDS = ["timeouts", "retry", "hedge"];

/** Checks a configuration and reads its variables. */
export function resolveConfig(config: unknown, env: Env): ResolvedConfig {
  const fields = record("the configuration", config);
  checkNames("", fields, FIELDS);
  const { port = 8787, host = "127.0.0.1", health = false } = fields;
  const isPort = Number.isInteger(port) && Number(port) >= 0 &&
    Number(port) <= 65535;
  if (!isPort) throw wrong("port", "be a number from 0 to 65535", port);
  if (typeof host !== "string" || host === "") {
    throw wrong("host", "be a host name or an IP address", host);
  }
  if (typeof health !== "boolean") {
    throw wrong("health", "be true or false", health);
  }
  const keys = fields.keys === undefined ? undefined : keysOf(fields.keys, env);
  const fallback = fallbackOf(fields.fallback);
  return {
    options: {
      models: modelsOf(fields.models, env),
      authorize: keys ? bearerKeys(keys) : "anyone",
      fallback: { ...fallback, ...(health && { health: memoryHealth() }) },
      ...(fields.maxTokens !== undefined &&
        { maxTokens: fields.maxTokens as number }),
    },
    hasKeys: keys !== undefined,
    port: Number(port),
    host,
  };
}

function keysOf(keys: unknown, env: Env): string[] {
  if (!Array.isArray(keys) || keys.length === 0) {
    // A text may be a key, which must not be shown.
    const found = Array.isArray(keys) ? "empty" : `of type ${typeof keys}`;
    throw new TypeError(
      `'keys' must be a list of strings that is not empty: it is ${found}`,
    );
  }
  return keys.flatMap((key, index) => {
    const place = `keys[${index}]`;
    const isVariable = typeof key === "string" && /^\$[^$]/.test(key);
    const value = secret(place, key, env);
    const list = isVariable ? value.split(",") : [value];
    for (const each of list) {
      try {
        bearerKeys([each]);
      } catch (error) {
        const { message } = error as Error;
        throw new TypeError(message.replace("keys[0]", place));
      }
    }
    return list;
  });
}

function modelsOf(models: unknown, env: Env): GatewayOptions["models"] {
  const chains = record("models", models);
  const entries = Object.entries(chains);
  if (entries.length === 0) throw new TypeError("'models' must not be empty");
  return Object.fromEntries(entries.map(([name, chain]) => {
    const place = `models.${name}`;
    if (!Array.isArray(chain) || chain.length === 0) {
      throw wrong(place, "be a list of models that is not empty", chain);
    }
    return [
      name,
      chain.map((model, index) => modelOf(`${place}[${index}]`, model, env)),
    ];
  }));
}

function modelOf(place: string, value: unknown, env: Env) {
  const fields = record(place, value);
  checkNames(`${place}.`, fields, MODEL_FIELDS);
  const { provider, apiKey, headers, ...rest } = fields;
  const known = typeof provider === "string" &&
      Object.hasOwn(PROVIDERS, provider)
    ? PROVIDERS[provider]
    : undefined;
  if (provider !== undefined && !known) {
    throw wrong(
      `${place}.provider`,
      `be one of ${
        Object.keys(PROVIDERS).join(", ")
      }, or left out beside a baseURL`,
      provider,
    );
  }
  if (!known && rest.baseURL === undefined) {
    throw new TypeError(`'${place}' must have a 'provider' or a 'baseURL'`);
  }
  const options = {
    ...(known && { baseURL: known.baseURL }),
    ...rest,
    ...(apiKey !== undefined &&
      { apiKey: secret(`${place}.apiKey`, apiKey, env) }),
    ...(headers !== undefined &&
      { headers: headersOf(`${place}.headers`, headers, env) }),
  };
  try {
    return openaiModel(options as unknown as Parameters<typeof openaiModel>[0]);
  } catch (error) {
    const { message } = error as Error;
    throw new TypeError(`${place}: ${message.replaceAll("options.", "")}`);
  }
}

function headersOf(place: string, value: unknown, env: Env): Headers {
  const headers = new Headers();
  const fromEnv: string[] = [];
  for (const [name, content] of Object.entries(record(place, value))) {
    try {
      const text = secret(`${place}.${name}`, content, env);
      headers.set(name, text);
      if (/^\$[^$]/.test(content as string)) fromEnv.push(text);
    } catch (error) {
      const isOurs = String((error as Error).message).startsWith("'");
      throw isOurs
        ? error
        : new TypeError(`'${place}.${name}' must be a valid header`);
    }
  }
  hideValues(headers, fromEnv);
  return headers;
}

/** A string, or the value of the variable that it wholly names. */
function secret(place: string, value: unknown, env: Env): string {
  if (typeof value !== "string" || value === "") {
    throw new TypeError(
      `'${place}' must be a string that is not empty: it is of type ${typeof value}`,
    );
  }
  if (value.startsWith("$$")) return value.slice(1);
  const [, name] = /^\$([A-Za-z_]\w*)$/.exec(value) ?? [];
  if (name === undefined && value.startsWith("$")) {
    throw new TypeError(
      `'${place}' must be '$NAME' for an environment variable: write '$$' for a literal '$'`,
    );
  }
  if (name === undefined) return value;
  const content = env(name);
  if (content === undefined || content.trim() === "") {
    throw new TypeError(
      `'${place}' needs the environment variable ${name}, which is ${
        content === undefined ? "not set" : "empty"
      }`,
    );
  }
  return content;
}

function fallbackOf(value: unknown): GatewayOptions["fallback"] {
  if (value === undefined) return undefined;
  const fields = record("fallback", value);
  checkNames("fallback.", fields, FALLBACK_FIELDS);
  return fields as GatewayOptions["fallback"];
}

function record(place: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw wrong(place, "be an object", value);
}

function checkNames(
  place: string,
  fields: object,
  known: readonly string[],
): void {
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(
    `'${place}${unknown}' is not a field: known fields are ${known.join(", ")}`,
  );
}

/** Shows a value; only for values that are no secrets. */
function wrong(place: string, expected: string, value: unknown): TypeError {
  return new TypeError(
    `'${place}' must ${expected}: current value is ${describeValue(value)}`,
  );
}
