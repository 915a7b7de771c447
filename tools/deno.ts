/**
 * `tools/deno.ts ARGS…` runs `deno ARGS…` with the standard library within
 * reach.
 *
 * @module
 */

import { runDeno } from "./_run_deno.ts";

Deno.exit(await runDeno(Deno.args));
