import { testOutages } from "../health/_outage_cases.ts";
import { FakeRedis } from "./_fake_redis.ts";

testOutages({
  name: "redisHealth",
  isIdempotent: true,
  makeDatabase: () => new FakeRedis(),
});
