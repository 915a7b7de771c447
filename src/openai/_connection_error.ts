// What goes wrong before there is an answer. `fetch` says little ("fetch failed")
// or too much: the address, which may hold a key.

import { errorText, oneLine } from "../_shared/error_text.ts";
import { getProperty, isInstance } from "../_shared/safe_access.ts";
import type { Redactor } from "./_redact.ts";

/** How long the reason may be, in characters. */
const MAX_REASON_LENGTH = 160;

/** How deep causes are followed. */
const MAX_DEPTH = 5;

/** Addresses, alone or as Deno puts them into a sentence. */
const ADDRESS =
  /(?: for(?: url)?)? ?\(?\b[a-z][a-z0-9+.-]*:\/\/[^\s)"'>]+\)?/gi;

/**
 * The error for a request that got no response: why, but not from where.
 *
 * @param error What `fetch` rejected with. It is returned as it is if it is no
 * `TypeError`, as `fetch` throws, and shows neither a secret nor an address.
 */
export function toConnectionError(error: unknown, redactor: Redactor): unknown {
  return isInstance(error, TypeError)
    ? withoutSecrets(error, redactor)
    : toSafeError(error, redactor);
}

/** An error of a body that broke: itself, unless it shows too much. */
export function toSafeError(error: unknown, redactor: Redactor): unknown {
  const shown = textOf(error);
  return shown.search(ADDRESS) < 0 && redactor.text(shown) === shown
    ? error
    : withoutSecrets(error, redactor);
}

/** The messages of an error and its causes, in one error. */
function withoutSecrets(error: unknown, redactor: Redactor): TypeError {
  const text = redactor.text(errorText(error)).replace(ADDRESS, "");
  const reason = oneLine(text, MAX_REASON_LENGTH);
  const safe = new TypeError(reason || "the connection failed");
  // Node tells connection failures apart by their code.
  const code = getProperty(error, "code") ??
    getProperty(getProperty(error, "cause"), "code");
  return typeof code === "string" && /^[A-Z_]{3,40}$/.test(code)
    ? Object.assign(safe, { code })
    : safe;
}

/** Everything of an error that a log might print. */
function textOf(error: unknown, depth = 0): string {
  if (typeof error !== "object" || error === null) return String(error);
  if (depth > MAX_DEPTH) return "";
  const parts: string[] = [];
  for (const key of keysOf(error)) {
    const value = getProperty(error, key);
    if (key === "stack" && typeof value === "string") {
      // Its frames hold the addresses of files.
      parts.push(value.split("\n    at ")[0]!);
    } else if (typeof value !== "function") {
      parts.push(`${key}: ${textOf(value, depth + 1)}`);
    }
  }
  return parts.join("\n");
}

function keysOf(value: object): string[] {
  try {
    return [
      ...new Set(["name", "message", ...Object.getOwnPropertyNames(value)]),
    ];
  } catch {
    return [];
  }
}
