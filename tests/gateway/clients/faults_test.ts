// The sixteen faults of the benchmark, with its fast timing.

import { assert } from "@std/assert";
import { FAULTS } from "../../../bench/faults/_faults.ts";
import { ours } from "../../../bench/faults/_gateways.ts";
import { runFault } from "../../../bench/faults/_run_fault.ts";

for (const fault of FAULTS) {
  Deno.test(`gateway() over HTTP answers when a provider fails: ${fault.name}`, async () => {
    await using subject = ours();
    const result = await runFault(subject, fault, { name: "fast", factor: 10 });
    assert(result.passed, JSON.stringify(result));
  });
}
