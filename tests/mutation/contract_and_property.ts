// The contract and a part of the property suite in one process, which ends at the
// first rule that is broken. It prints a line whenever it has got further, so
// that the parent can distinguish a slow process from one that is stuck.

import { fallbackModel, fallbackStream } from "@fallback/stream";
import { continueStream } from "@fallback/stream/continue";
import { contract } from "../contract/contract.ts";
import { findViolation } from "../property/_check.ts";

const SCENARIOS = 4_000;
const BATCH = 500;

const subject = { continueStream, fallbackModel, fallbackStream };

function fail(reason: unknown): never {
  console.log(`broken: ${reason}`);
  Deno.exit(1);
}

for (const { name, run } of contract(subject)) {
  await run().catch((error) => fail(`${name}: ${error}`));
  console.log(name);
}
for (let done = 0; done < SCENARIOS; done += BATCH) {
  const seed = 1 + done / BATCH;
  const found = await findViolation(subject, { runs: BATCH, seed });
  if (found !== undefined) fail(found);
  console.log(`${done + BATCH} scenarios`);
}
// Not by waiting: a mutant may have left a timer that never ends.
Deno.exit(0);
