// The headers of a request, and which of them must not be shown.

import { parseHeaders, tryHeaders } from "../_shared/headers.ts";
import { assertText } from "./_assert_text.ts";

/** Names of headers whose values are secret. */
const SECRET_NAME =
  /auth|key|token|secret|cookie|(?:^|[-_])pass|pwd|password|credential|signature|session|jwt/i;

const secretValues = new WeakMap<Headers, readonly string[]>();

/** Marks values of headers as secret, whatever the names are. */
export function hideValues(headers: Headers, values: readonly string[]): void {
  secretValues.set(headers, values);
}

/** Headers, or a function that returns them for each request. */
export type HeadersOption =
  | RequestInit["headers"]
  | (() => RequestInit["headers"] | PromiseLike<RequestInit["headers"]>);

/**
 * The key as a header can carry it. Read from a file, a key brings a line end.
 *
 * @throws {TypeError} If it is empty, is a URL, or cannot be in a header.
 */
export function parseKey(apiKey: string): string {
  assertText("options.apiKey", apiKey, (value) => `of type ${typeof value}`);
  const key = apiKey.trim();
  if (/^https?:\/\//i.test(key)) {
    throw new TypeError(
      "'options.apiKey' must be a key: current value is a URL (are 'apiKey' and 'baseURL' swapped?)",
    );
  }
  if (!tryHeaders({ authorization: key })) {
    throw new TypeError(
      "'options.apiKey' must hold only characters that a header can carry",
    );
  }
  return key;
}

/**
 * A copy of headers, with what {@linkcode hideValues} has marked.
 *
 * @throws {TypeError} If they are no headers.
 */
export function copyHeaders(own: unknown): Headers {
  const headers = parseHeaders(own);
  const hidden = secretValues.get(own as Headers);
  if (hidden) hideValues(headers, hidden);
  return headers;
}

/** The values of headers that must not be shown. */
export function secretsIn(headers: Headers): string[] {
  const secrets = [...secretValues.get(headers) ?? []];
  for (const [name, value] of headers) {
    if (!SECRET_NAME.test(name)) continue;
    // Without `Bearer` or `Basic`.
    const secret = value.replace(/^\S+\s+/, "");
    secrets.push(secret);
    if (/cookie/.test(name)) {
      secrets.push(
        ...value.split(";").map((each) => each.replace(/^.*?=/, "")),
      );
    }
    if (/^basic\s/i.test(value)) secrets.push(...passwordsIn(secret));
    if (!/authorization/.test(name)) continue;
    // `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`
    for (const [, part, own] of secret.matchAll(/(\w+)="?([^\s",]+)/g)) {
      if (SECRET_NAME.test(part!)) secrets.push(own!);
    }
  }
  return secrets;
}

/** What `Basic` authorization encodes: a user and a password. */
function passwordsIn(encoded: string): string[] {
  try {
    const decoded = atob(encoded);
    return [decoded, decoded.slice(decoded.indexOf(":") + 1)];
  } catch {
    return [];
  }
}
