import { fallbackModel, fallbackStream } from "@fallback/stream";
import { contract } from "@fallback/stream/testing";

for (const { name, run } of contract({ fallbackModel, fallbackStream })) {
  Deno.test({ name, permissions: "none", fn: run });
}
