// The cells with known faults, and the reasons.

import type { Cell } from "./_cell.ts";

interface KnownFault {
  readonly client: RegExp;
  readonly situation: RegExp;
  readonly why: string;
}

/** Faults of the SDKs that this library cannot fix. */
export const KNOWN: readonly KnownFault[] = [
  {
    client: /^ollama$/,
    situation: /Retry-After/,
    why: "its errors carry a status, but no headers",
  },
];

/** Whether the faults of a cell are known. */
export function isKnown({ client, situation }: Cell): boolean {
  return KNOWN.some((known) =>
    known.client.test(client) && known.situation.test(situation)
  );
}
