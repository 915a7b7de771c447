/**
 * Access by a list of keys.
 *
 * @module
 */

import { assertArgument } from "../_shared/arguments.ts";

/** A shorter key could be guessed. */
const MIN_KEY_LENGTH = 16;

/**
 * Admits requests with `authorization: Bearer …` and one of these keys, for
 * `authorize` of {@linkcode gateway}. The digests of the keys are compared, all
 * of them, so that the time says nothing about a key. The `id` of a client is
 * the beginning of its key's SHA-256 digest.
 *
 * @param keys The keys: a list, or a string with commas between them, as an
 * environment variable has it. Each has at least 16 characters.
 * @returns The function for `authorize`.
 *
 * @example Usage
 * ```ts
 * import { bearerKeys } from "@fallback/stream/gateway";
 * import { assertEquals } from "@std/assert";
 *
 * const authorize = bearerKeys("for-alice-4f8a2c91, for-bob-77d0b3e6f");
 * const request = new Request("http://localhost", {
 *   headers: { authorization: "Bearer for-alice-4f8a2c91" },
 * });
 * assertEquals(await authorize(request), { id: "0714f024" });
 * assertEquals(await authorize(new Request("http://localhost")), false);
 * ```
 *
 * @throws {TypeError} If there is no key, or one is empty or too short. The
 * error does not show it.
 */
export function bearerKeys(
  keys: string | readonly string[] | undefined,
): (request: Request) => Promise<{ id: string } | false> {
  assertArgument(
    typeof keys === "string" || Array.isArray(keys),
    "keys",
    "be a string or a list of strings",
    // Never the key itself.
    keys === undefined ? undefined : typeof keys,
  );
  const list = typeof keys === "string" ? keys.split(",") : [...keys];
  if (list.length === 0) {
    throw new TypeError("'keys' must have at least one key");
  }
  const trimmed = list.map((key) => typeof key === "string" ? key.trim() : "");
  for (const [index, key] of trimmed.entries()) {
    if (/\s/.test(key)) {
      throw new TypeError(`'keys[${index}]' must not contain white space`);
    }
    const { length } = key;
    if (length >= MIN_KEY_LENGTH) continue;
    throw new TypeError(
      `'keys[${index}]' must have at least ${MIN_KEY_LENGTH} characters: it has ${length}`,
    );
  }
  let digests: Promise<Uint8Array[]> | undefined;
  return async ({ headers }) => {
    const [, key] = headers.get("authorization")?.match(/^Bearer +(\S+) *$/i) ??
      [];
    if (key === undefined) return false;
    digests ??= Promise.all(trimmed.map(digestOf));
    const given = await digestOf(key);
    let id = "";
    for (const digest of await digests) {
      if (areEqual(digest, given)) id = toHex(digest.subarray(0, 4));
    }
    return id === "" ? false : { id };
  };
}

async function digestOf(key: string): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(key);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.reduce((difference, byte, i) => difference | byte ^ b[i]!, 0) === 0;
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
}
