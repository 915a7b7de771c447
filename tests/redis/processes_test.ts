import { checkProcesses } from "../health/_processes.ts";
import { startRedis, testWithServer } from "./_server.ts";

testWithServer(
  "redisHealth() lets four processes over one server skip together, send one probe, and come back (R21)",
  () =>
    checkProcesses(async () => {
      const server = await startRedis();
      return {
        place: { port: server.port },
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    }),
);
