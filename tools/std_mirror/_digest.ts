import { Buffer } from "node:buffer";

/**
 * The digest of some bytes.
 *
 * @param algorithm The name of the hash.
 * @param bytes The data.
 * @returns The digest in hexadecimal.
 */
export async function hexDigest(
  algorithm: "SHA-256" | "SHA-512",
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
  return Buffer.from(await crypto.subtle.digest(algorithm, bytes))
    .toString("hex");
}
