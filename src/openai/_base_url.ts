// The address of a server, and what may have gone wrong where it is none.

import { assertText } from "./_assert_text.ts";

/** Query parameters that are no secret. */
const PUBLIC_PARAMETERS: ReadonlySet<string> = new Set(["api-version"]);

/** How keys of well-known providers begin. */
const KEY_PREFIX =
  /^(?:sk|pk|gsk|xai|pplx|hf|nvapi|csk|tgp|fw|key|r8|api)[-_]|^(?:AIza|eyJ)/;

/** Hosts of Azure, which takes keys in a header of its own. */
const AZURE_HOST =
  /\.(?:openai\.azure\.(?:com|us|cn)|cognitiveservices\.azure\.com|services\.ai\.azure\.com)$/;

/**
 * The address of the chat completions under a base. No part of a wrong base is
 * quoted but a host without a scheme: it may hold a key, or be one.
 *
 * @throws {TypeError} If it is not an address, or holds a password.
 */
export function endpoint(baseURL: string): URL {
  assertText("options.baseURL", baseURL, () => "");
  const base = baseURL.trim();
  const url = URL.parse(base);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(
      `'options.baseURL' must be an http or https URL${hintFor(base)}`,
    );
  }
  if (url.username || url.password) {
    throw new TypeError("'options.baseURL' must not hold a password");
  }
  const path = url.pathname.replace(/\/+$/, "");
  url.pathname = path.endsWith("/chat/completions")
    ? path
    : `${path}/chat/completions`;
  url.hash = "";
  return url;
}

function hintFor(base: string): string {
  const host = /^(?:\/\/)?((?:[\w-]+\.)*[\w-]+(?::\d{1,5})?)(\/[\w./-]*)?$/
    .exec(base);
  const scheme = /^([a-z][a-z+.-]*):\/\//i.exec(base)?.[1];
  if (scheme !== undefined) return `: its scheme is "${scheme}"`;
  if (looksLikeKey(base)) {
    return ": current value looks like a key (are 'apiKey' and 'baseURL' swapped?)";
  }
  if (!host) return "";
  const isLocal = /^(?:localhost|127\.|0\.0\.0\.0|10\.|192\.168\.|[\w-]+:)/;
  return `: did you mean "${isLocal.test(host[1]!) ? "http" : "https"}://${
    host[1]
  }${host[2] ?? ""}"?`;
}

/** Whether a text that is no URL may be a key: then it must not be shown. */
function looksLikeKey(text: string): boolean {
  return KEY_PREFIX.test(text) || /^[\w-]{16,}$/.test(text) ||
    /[\w-]{28,}/.test(text);
}

/** The values in the query that must not be shown, such as `?key=…`. */
export function secretsOf(url: URL): string[] {
  return [...url.searchParams]
    .filter(([name]) => !PUBLIC_PARAMETERS.has(name.toLowerCase()))
    .map(([, value]) => value);
}

/** Whether a server is one of Azure's. */
export function isAzure({ hostname }: URL): boolean {
  return AZURE_HOST.test(hostname);
}
