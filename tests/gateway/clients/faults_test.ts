// The sixteen faults of the benchmark, with its fast timing.

import { assert } from "@std/assert";
import { FAULTS } from "../../../bench/faults/_faults.ts";
import { ours } from "../../../bench/faults/_gateways.ts";
import { play } from "../../../bench/faults/_play.ts";

for (const fault of FAULTS) {
  Deno.test(`gateway() over HTTP answers when a provider fails: ${fault.name}`, async () => {
    await using subject = ours();
    const result = await play(subject, fault, { name: "fast", factor: 10 });
    assert(result.passed, JSON.stringify(result));
  });
}
