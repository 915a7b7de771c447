import { checkLoad } from "../health/_load.ts";
import { testWithServer } from "./_server.ts";

testWithServer(
  "redisHealth() counts each report of four processes over one server once (R21)",
  ({ port }) => checkLoad({ port }),
);
