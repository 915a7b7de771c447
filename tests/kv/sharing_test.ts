import { testSharing } from "../health/_sharing_cases.ts";
import { FakeKv } from "./_fake_kv.ts";

testSharing({
  name: "kvHealth",
  isIdempotent: false,
  makeDatabase: () => new FakeKv(),
});
