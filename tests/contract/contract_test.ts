import { fallbackModel, fallbackStream } from "@fallback/stream";
import { continueStream } from "@fallback/stream/continue";
import { contract } from "./contract.ts";

const subject = { continueStream, fallbackModel, fallbackStream };

for (const { name, run } of contract(subject)) {
  Deno.test({ name, permissions: "none", fn: run });
}
