/**
 * The methods of a Deno KV that the store needs.
 *
 * @module
 */

/** A part of a key, as `Deno.KvKeyPart`. */
export type KvKeyPart = Uint8Array | string | number | bigint | boolean;

/**
 * The methods of a `Deno.Kv` that the store needs. They are declared here so
 * that the types do not depend on an unstable API, and other clients fit.
 */
export interface KvStore {
  /**
   * Reads one value.
   *
   * @param key Where the value is.
   * @returns The value and its version.
   */
  get(key: readonly KvKeyPart[]): Promise<{
    /** The stored value, or `null`. */
    value: unknown;
    /** Which version that is, or `null` if nothing is stored. */
    versionstamp: string | null;
  }>;
  /**
   * Reads all values whose keys begin with a prefix.
   *
   * @param selector The prefix.
   * @returns The values with their keys.
   */
  list(selector: { prefix: readonly KvKeyPart[] }): AsyncIterable<{
    /** The whole key. */
    key: readonly unknown[];
    /** The stored value. */
    value: unknown;
  }>;
  /**
   * Begins a transaction.
   *
   * @returns The transaction, which does nothing until its `commit()`.
   */
  atomic(): KvTransaction;
}

/** The methods of a `Deno.AtomicOperation` that the store needs. */
export interface KvTransaction {
  /**
   * Makes the transaction fail if the stored version differs.
   *
   * @param version Where the value is, and the version that was read.
   */
  check(version: {
    /** Where the value is. */
    key: readonly KvKeyPart[];
    /** The version that was read. */
    versionstamp: string | null;
  }): this;
  /**
   * Stores a value for `expireIn` milliseconds.
   *
   * @param key Where to store it.
   * @param value The value.
   * @param options For how long.
   */
  set(
    key: readonly KvKeyPart[],
    value: unknown,
    options: { expireIn: number },
  ): this;
  /**
   * Does all of it, or nothing if a check fails.
   *
   * @returns Whether it was done.
   */
  commit(): Promise<{ ok: boolean }>;
}
