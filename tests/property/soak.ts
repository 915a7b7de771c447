// `deno task soak [--runs N] [--seed S]`: as many random scenarios as you like.
// They run in batches, each with a seed of its own, so that a run which was
// stopped can go on where it was.

import { fallbackModel, fallbackStream } from "@fallback/stream";
import { continueStream } from "@fallback/stream/continue";
import { findViolation } from "./_check.ts";

const BATCH = 10_000;

function flag(name: string, otherwise: number): number {
  const place = Deno.args.indexOf(`--${name}`);
  if (place === -1) return otherwise;
  const value = Number(Deno.args[place + 1]);
  if (Number.isSafeInteger(value) && value > 0) return value;
  console.error(`--${name} takes a whole number above 0`);
  Deno.exit(2);
}

const runs = flag("runs", 1_000_000);
const firstSeed = flag("seed", Date.now() % 1_000_000 + 1);
const terminal = Deno.stdout.isTerminal();
const started = performance.now();
console.log(`${runs.toLocaleString("en")} scenarios from seed ${firstSeed}`);

let seed = firstSeed;
for (let done = 0; done < runs; seed++) {
  const batch = Math.min(BATCH, runs - done);
  const found = await findViolation(
    { continueStream, fallbackModel, fallbackStream },
    { runs: batch, seed },
  );
  if (found !== undefined) {
    console.log(`\n${found}\n`);
    console.log(
      `Paste the scenario into violation(subject, …) of tests/property/check.ts; ` +
        `go on with --seed ${seed + 1} --runs ${
          Math.max(runs - done - batch, 1)
        }`,
    );
    Deno.exit(1);
  }
  done += batch;
  const seconds = (performance.now() - started) / 1000;
  const line = `${done.toLocaleString("en")} in ${seconds.toFixed(0)} s, ` +
    `next seed ${seed + 1}`;
  if (terminal) {
    await Deno.stdout.write(new TextEncoder().encode(`\r\x1b[2K${line}`));
  } else if (done % (10 * BATCH) === 0 || done === runs) console.log(line);
}
console.log(`${terminal ? "\n" : ""}0 violations`);
