// Equivalent mutants of `src/testing`.

import type { EquivalentMutants } from "./mod.ts";

export default {
  "src/testing/_http_server.ts": [
    {
      from: "connection.setNoDelay();",
      to: ";",
      reason: "It only saves time: packets leave later without it.",
    },
    {
      from: "await watching;",
      to: ";",
      reason:
        "close() has just ended the read that it waits for. It is there for programs that check for pending operations.",
    },
    {
      from: "await watching;",
      to: "watching;",
      reason:
        "close() has just ended the read that it waits for. It is there for programs that check for pending operations.",
    },
    {
      from: "const more = new Uint8Array(16_384);",
      to: "const more = new Uint8Array(16385);",
      reason: "What does not fit is read the next time.",
    },
  ],
  "src/testing/fake_provider.ts": [
    {
      from: "open.add(exchange);",
      to: ";",
      reason: "Only Deno before 2.8 needs it.",
    },
    {
      from: "exchange.call.closed.then(() => open.delete(exchange));",
      to: ";",
      reason: "It only saves memory.",
    },
  ],
  "src/testing/journal.ts": [
    {
      from:
        'if (opened && !ended && stops === 0) problems.push("was left open");',
      to:
        'if (opened && !ended && stops === 0) problems.unshift("was left open");',
      reason: "The list is empty here.",
    },
    {
      from: "if (stops > 1) problems.push(`was closed ${stops} times`);",
      to: "if (stops > 1) problems.unshift(`was closed ${stops} times`);",
      reason: "The list is empty here: what was closed was not left open.",
    },
  ],
  "src/testing/virtual_time.ts": [
    {
      from:
        'if ("setImmediate" in globalThis) return void setImmediate(resolve);',
      to: 'if ("" in globalThis) return void setImmediate(resolve);',
      reason: "It only saves time: a message also comes after every promise.",
    },
  ],
} satisfies EquivalentMutants;
