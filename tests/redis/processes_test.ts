import { checkProcesses } from "../health/_processes.ts";
import { startRedis, testWithServer } from "./_server.ts";

testWithServer(
  "redisHealth() lets four processes over one server skip a model, send one probe, and use it again (R21)",
  () =>
    checkProcesses(async () => {
      const server = await startRedis();
      return {
        address: { port: server.port },
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    }),
);
