// `deno task soak [--runs N] [--seed S]`: random scenarios, half of them with
// user code that interferes. They run in batches, each with its own seed, so
// that a run that was stopped can be continued.

import { fallbackModel, fallbackStream } from "@fallback/stream";
import { continueStream } from "@fallback/stream/continue";
import { findViolation } from "./_check.ts";
import { findReentrantViolation } from "./_reentrant.ts";

const BATCH = 10_000;
const subject = { continueStream, fallbackModel, fallbackStream };

function flag(name: string, fallback: number): number {
  const index = Deno.args.indexOf(`--${name}`);
  if (index === -1) return fallback;
  const value = Number(Deno.args[index + 1]);
  if (Number.isSafeInteger(value) && value > 0) return value;
  console.error(
    `--${name} must be a positive integer: current value is ${
      Deno.args[index + 1]
    }`,
  );
  Deno.exit(2);
}

const runs = flag("runs", 1_000_000);
const firstSeed = flag("seed", Date.now() % 1_000_000 + 1);
const started = performance.now();
console.log(`${runs.toLocaleString("en")} scenarios from seed ${firstSeed}`);

let seed = firstSeed;
for (let done = 0; done < runs; seed++) {
  const batch = Math.min(BATCH, runs - done);
  const half = Math.ceil(batch / 2);
  const found = await findViolation(subject, { runs: half, seed }) ??
    await findReentrantViolation(subject, { runs: batch - half, seed });
  if (found !== undefined) {
    console.log(`\n${found}\n`);
    console.log(
      `Paste the scenario into tests/property/property_test.ts. Continue with ` +
        `--seed ${seed + 1} --runs ${Math.max(runs - done - batch, 1)}`,
    );
    Deno.exit(1);
  }
  done += batch;
  if (done % (10 * BATCH) === 0 || done === runs) {
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    console.log(
      `${done.toLocaleString("en")} in ${seconds} s, next seed ${seed + 1}`,
    );
  }
}
console.log("0 violations");
