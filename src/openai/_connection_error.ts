// What goes wrong before there is an answer. `fetch` says little ("fetch failed")
// or too much: the address, which may hold a key.

import { errorText, oneLine } from "../_shared/error_text.ts";
import { getProperty, isInstance } from "../_shared/safe_access.ts";
import type { Redactor } from "./_redact.ts";

/** How long the reason may be, in characters. */
const MAX_REASON_LENGTH = 160;

/** How deep causes are followed. */
const MAX_DEPTH = 5;

/** How many objects are looked at, and how many entries of a list. */
const MAX_OBJECTS = 1000;
const MAX_ENTRIES = 10_000;

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
  const isSafe = shown !== undefined && shown.search(ADDRESS) < 0 &&
    redactor.text(shown) === shown;
  return isSafe ? error : withoutSecrets(error, redactor);
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

/**
 * Everything of an error that a log might print, such as the headers of a request
 * that some clients attach; `undefined` if that is too much to look at.
 */
function textOf(error: unknown): string | undefined {
  const texts: string[] = [];
  // The nearest first, so that no object is first met where it is too deep.
  const found: { value: unknown; depth: number }[] = [];
  const seen = new Set<unknown>();
  const add = (value: unknown, depth: number) => {
    // Bytes are shown as numbers, and there may be millions.
    if (typeof value === "function" || ArrayBuffer.isView(value)) return;
    if (Object(value) !== value) return void texts.push(String(value));
    if (seen.has(value) || depth > MAX_DEPTH) return;
    seen.add(value);
    found.push({ value, depth });
  };
  add(error, 0);
  for (const { value, depth } of found) {
    const size = getProperty(value, "length") ?? getProperty(value, "size");
    const isTooLarge = typeof size === "number" && size > MAX_ENTRIES;
    if (isTooLarge || found.length > MAX_OBJECTS) return undefined;
    for (const key of keysOf(value as object)) {
      const inner = getProperty(value, key);
      // The frames of a stack hold the addresses of files.
      const shown = key === "stack" && typeof inner === "string"
        ? inner.split("\n    at ")[0]
        : inner;
      add(key, depth);
      add(shown, depth + 1);
    }
    for (const entry of entriesOf(value)) add(entry, depth);
  }
  return texts.join("\n");
}

/** The names of all properties, those of the class too. */
function keysOf(value: object): ReadonlySet<PropertyKey> {
  const keys = new Set<PropertyKey>();
  try {
    let owner: object | null = value;
    while (owner && owner !== Object.prototype) {
      for (const key of Reflect.ownKeys(owner)) keys.add(key);
      owner = Object.getPrototypeOf(owner);
    }
  } catch {
    // a revoked proxy
  }
  return keys;
}

/** The content of headers, a map or a set. */
function entriesOf(value: unknown): readonly unknown[] {
  const isCollection = typeof getProperty(value, "forEach") === "function";
  try {
    return isCollection ? [...value as Iterable<unknown>] : [];
  } catch {
    return [];
  }
}
