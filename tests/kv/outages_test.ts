import { testOutages } from "../health/_outage_cases.ts";
import { FakeKv } from "./_fake_kv.ts";

testOutages({
  name: "kvHealth",
  isIdempotent: false,
  makeDatabase: () => new FakeKv(),
});
