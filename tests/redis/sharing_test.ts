import { testSharing } from "../health/_sharing_cases.ts";
import { FakeRedis } from "./_fake_redis.ts";

testSharing({
  name: "redisHealth",
  isIdempotent: true,
  makeDatabase: () => new FakeRedis(),
});
