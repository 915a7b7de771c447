import { Buffer } from "node:buffer";

/**
 * The digest of some bytes.
 *
 * @param algorithm Which one.
 * @param bytes What it is of.
 * @returns It, in hexadecimal.
 */
export async function hexDigest(
  algorithm: "SHA-256" | "SHA-512",
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
  return Buffer.from(await crypto.subtle.digest(algorithm, bytes))
    .toString("hex");
}
