/**
 * Mutates each operator, constant and condition of the script's reducer, and runs
 * random sequences against each mutant. Prints the survivors, and exits with code 1
 * if one of them is not listed as equivalent.
 *
 * @module
 */

import { SCRIPT } from "../../src/redis/_script.ts";
import { retentionMs, sharedViolation } from "../health/_check.ts";
import { connect } from "./_client.ts";
import { startRedis } from "./_server.ts";
import { openRedis, withStoppedClock } from "./_stores.ts";

const SEQUENCES = { runs: 400, seed: 20_264, endOnFailure: true };

/** What each piece of Lua is replaced by. */
const OPERATORS: readonly (readonly [from: RegExp, to: string])[] = [
  [/ >= /g, " > "],
  [/ > /g, " >= "],
  [/ < /g, " <= "],
  [/ <= /g, " < "],
  [/ == /g, " ~= "],
  [/ and /g, " or "],
  [/ or /g, " and "],
  [/ \+ /g, " - "],
  [/ - /g, " + "],
  [/ \* /g, " / "],
  [/ \/ /g, " * "],
  [/\bnot /g, ""],
  [/\btrue\b/g, "false"],
  [/\bfalse\b/g, "true"],
  [/math\.min/g, "math.max"],
  [/ 1\b/g, " 2"],
  [/ 0\b/g, " 1"],
];

/** Lines whose mutants the sequences cannot kill, each with the reason. */
const EQUIVALENT: readonly (readonly [line: RegExp, reason: string])[] = [
  [/isSane|1e15|#text|size/, "checks of damaged entries: `server_test.ts`"],
  [
    /math\.min\(at, now\)|math\.min\(tonumber\(at\), now\)/,
    "times of the future: `server_test.ts`",
  ],
  [/retryAt - now > maxOpenMs/, "times of the future: `server_test.ts`"],
  [/keepMs|PX|60000/, "expiry, which a stopped clock leaves out"],
  [/kind ~= 'hash'|TYPE/, "a key of another type: `server_test.ts`"],
  [/count (<|>|<=|>=) /, "0 fields: a batch names a model, and -1 means all"],
  [/changed\[index\]/, "only the key counts"],
  [/at \+ retryAfterMs > retryAt/, "at equality both results are the same"],
  [/not \(isFailure or/, "events of an outdated copy: `server_test.ts`"],
  [/seen|number and/, "a batch that is sent twice: `server_test.ts`"],
];

/** Each mutant: the line that is changed, and the whole script. */
function* mutants(): Generator<{ line: string; script: string }> {
  const lines = SCRIPT.split("\n");
  const first = lines.findIndex((line) => line.includes("function isExpired"));
  const last = lines.findIndex((line) => line.includes("flags = table.concat"));
  for (let i = first; i <= last; i++) {
    const line = lines[i]!;
    if (EQUIVALENT.some(([pattern]) => pattern.test(line))) continue;
    for (const [from, to] of OPERATORS) {
      for (const { index, 0: found } of line.matchAll(from)) {
        const changed = line.slice(0, index) + to +
          line.slice(index + found.length);
        const script = lines.with(i, changed).join("\n");
        yield { line: changed.trim(), script };
      }
    }
  }
}

await using server = await startRedis();
await using client = await connect(server.port);
const survivors: string[] = [];
let count = 0;
for (const { line, script } of mutants()) {
  count++;
  const send = withStoppedClock(client.send, script);
  const found = await sharedViolation(openRedis(send), SEQUENCES, retentionMs);
  if (found === undefined) survivors.push(line);
  await client.send(["FLUSHALL"]);
}
console.log(`${count - survivors.length} of ${count} mutants were noticed`);
for (const line of survivors) console.log(`survived: ${line}`);
if (survivors.length > 0) Deno.exitCode = 1;
