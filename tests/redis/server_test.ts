// `redisHealth()` on a real server: what it stores, and what it does when the server
// or a connection fails. Time is real; the tests wait for progress.

import { redisHealth, type RedisSend } from "@fallback/stream/redis";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { overloaded } from "../health/_errors.ts";
import { connect, type TestClient } from "./_client.ts";
import { testWithServer } from "./_server.ts";

const MODEL = "gpt";
const KEY = "{fallback-stream}:v1";
const NOTHING = { model: MODEL, state: "closed", failures: 0 } as const;

testWithServer(
  "redisHealth() sends EVAL once, and EVALSHA from then on, with the key at index 3",
  async ({ port }) => {
    await using client = await connect(port);
    const commands: (readonly string[])[] = [];
    const send: RedisSend = (args) => {
      commands.push(args);
      return client.send(args);
    };
    const health = redisHealth(send, { failureThreshold: 2 });
    await health.report(MODEL, "failure", overloaded());
    await health.report(MODEL, "failure", overloaded());
    assertEquals(commands.map(([name]) => name), [
      "EVALSHA",
      "EVAL",
      "EVALSHA",
      "EVALSHA",
    ]);
    for (const command of commands) assertEquals(command[3], KEY);
    const text = await client.send(["HGET", KEY, MODEL]) as string;
    assert(/^open \d+ \d+ 0 2 0$/.test(text), text);
    for (const key of await client.send(["KEYS", "*"]) as string[]) {
      const left = await client.send(["PTTL", key]) as number;
      assert(left > 0 && left <= 660_000, `${key}: ${left} ms`);
    }
  },
);

testWithServer(
  "redisHealth() replaces any invalid stored value (R21)",
  async ({ port }) => {
    await using client = await connect(port);
    const { send } = client;
    const texts = [
      ...[
        "",
        "nonsense",
        "{}",
        "open",
        "closed",
        "closed x",
        "open 99999999999999 2 3 4 5",
      ],
      ...["closed 99999999999999 5,1", "closed 99999999999999 5,1,2"],
      ...["closed 99999999999999 9,1,1 5,1,1", "closed 99999999999999 -5,1,1"],
      ...["closed 99999999999999 5,1,1 junk", "open 99999999999999 1e9 0 1 0"],
      ...[`open 99999999999999 ${"9".repeat(400)} 0 1 0`, "x".repeat(50_000)],
      ...["open 99999999999999 5 2 1 0", "open 99999999999999 5 0 -1 0"],
      ...["closed 99999999999999 5,1,1\n", " open 99999999999999 5 0 1 0"],
    ];
    for (const text of texts) {
      await send(["DEL", KEY]);
      await send(["HSET", KEY, MODEL, text]);
      await send(["HSET", KEY, "not a model", "closed 1"]);
      const errors: unknown[] = [];
      const health = redisHealth(send, {
        failureThreshold: 3,
        cacheMs: 0,
        onError: (error) => errors.push(error),
      });
      assertEquals(await health.snapshot(), [NOTHING], text);
      assert((await health.admit(MODEL)).admit, text);
      await health.report(MODEL, "failure", overloaded());
      const snapshot = await health.snapshot();
      assertEquals(snapshot, [{ ...NOTHING, failures: 1 }], text);
      assertEquals(errors, []);
    }
    for (const command of [["SET", KEY, "text"], ["RPUSH", KEY, "list"]]) {
      await send(["DEL", KEY]);
      await send(command);
      const health = redisHealth(send, { failureThreshold: 1, cacheMs: 0 });
      assertEquals(await health.snapshot(), []);
      assert((await health.admit(MODEL)).admit);
      await health.report(MODEL, "failure", overloaded());
      assert(!(await health.admit(MODEL)).admit);
    }
  },
);

testWithServer(
  "redisHealth() counts a batch once when it is executed twice (R21)",
  async ({ port }) => {
    await using client = await connect(port);
    const options = { failureThreshold: 1000, cacheMs: 0 };
    let sent = 0;
    // Each second command is executed twice, and its reply is lost.
    const health = redisHealth(async (args) => {
      const answer = await client.send(args);
      if (++sent % 2) return answer;
      await client.send(args);
      throw new Error("the connection was lost");
    }, options);
    for (let i = 0; i < 300; i++) health.report(MODEL, "failure", overloaded());
    for (let i = 0; i < 12; i++) {
      await health.admit(MODEL);
      await delay(20);
    }
    const reader = redisHealth(client.send, options);
    assertEquals(await reader.snapshot(), [{ ...NOTHING, failures: 300 }]);
  },
);

testWithServer(
  "redisHealth() sends at most 100 events at once, and report() resolves when its event is stored (R21)",
  async ({ port }) => {
    await using client = await connect(port);
    const options = { failureThreshold: 1e6 };
    let most = 0;
    const health = redisHealth((args) => {
      most = Math.max(most, args.length - 15);
      return client.send(args);
    }, options);
    await Promise.all(
      Array.from(
        { length: 2500 },
        () => health.report(MODEL, "failure", overloaded()),
      ),
    );
    assertEquals(await health.snapshot(), [{ ...NOTHING, failures: 2500 }]);
    assertEquals(most, 101, "a field and 100 events");
  },
);

testWithServer(
  "redisHealth() uses the clock of the server when the clocks of processes differ (R21)",
  async ({ port }) => {
    await using client = await connect(port);
    const { now } = Date;
    const hour = 3_600_000;
    /** Runs with a clock that is ahead or behind. */
    const at = async <T>(skewMs: number, work: () => Promise<T>) => {
      Date.now = () => now() + skewMs;
      try {
        return await work();
      } finally {
        Date.now = now;
      }
    };
    const options = {
      failureThreshold: 2,
      cooldownMs: 20_000,
      maxCooldownMs: 20_000,
    };
    const stores = [hour, -hour, 0].map((skewMs) => ({
      skewMs,
      health: redisHealth(client.send, options),
    }));
    for (const { skewMs, health } of stores.slice(0, 2)) {
      await at(skewMs, async () => {
        await health.report(MODEL, "failure", overloaded());
      });
    }
    for (const { skewMs, health } of stores) {
      await at(skewMs, async () => {
        const [circuit] = await health.snapshot();
        assertEquals(circuit?.state, "open");
        const left = circuit!.retryAt! - Date.now();
        assert(left > 1000 && left <= 20_100, `${left} ms`);
      });
    }
  },
);

testWithServer(
  "redisHealth() admits a probe of a circuit that claims to be open for too long (R21)",
  async ({ port }) => {
    await using client = await connect(port);
    const now = Date.now();
    const circuit = `open ${now} ${now + 3_600_000} 0 1 0`;
    await client.send(["HSET", KEY, MODEL, circuit]);
    const health = redisHealth(async (args) => {
      await delay(5); // so that the time of the probe is over in the server
      return await client.send(args);
    }, { failureThreshold: 1 });
    assert((await health.admit(MODEL)).admit, "the probe");
    assert(!(await health.admit(MODEL)).admit, "a second probe");
  },
);

testWithServer(
  "redisHealth() does not count a probe that an outdated copy claimed as a call (R21)",
  async ({ port }) => {
    await using client = await connect(port);
    const options = {
      failureThreshold: 1,
      failureRateThreshold: 1,
      cooldownMs: 1,
      cacheMs: 600_000,
    };
    const [one, other] = [1, 2].map(() => redisHealth(client.send, options));
    await one!.report(MODEL, "failure", overloaded());
    await delay(5);
    await other!.admit("another"); // Now it knows the clock of the server.
    other!.report(MODEL, "failure", overloaded()); // Its copy is open, too.
    await delay(50);
    assert((await one!.admit(MODEL)).admit, "the probe");
    await one!.report(MODEL, "success");
    assert((await other!.admit(MODEL)).admit);
    await other!.report(MODEL, "released");
    const text = await client.send(["HGET", KEY, MODEL]) as string;
    assert(/^closed \d+$/.test(text), text);
  },
);

const rejections: Readonly<
  Record<string, (client: TestClient) => Promise<unknown>>
> = {
  OOM: ({ send }) => Promise.resolve(send(["CONFIG", "SET", "maxmemory", "1"])),
  READONLY: ({ send }) =>
    Promise.resolve(send(["REPLICAOF", "127.0.0.1", "1"])),
};

for (const [code, makeServerReject] of Object.entries(rejections)) {
  testWithServer(
    `redisHealth() queues events while the server rejects them with ${code} (R21)`,
    async ({ port }) => {
      await using client = await connect(port);
      const errors: string[] = [];
      const health = redisHealth(client.send, {
        failureThreshold: 3,
        cacheMs: 50,
        onError: (error) => errors.push(String(error)),
      });
      await health.admit(MODEL);
      await makeServerReject(client);
      for (let i = 0; i < 5; i++) {
        await health.report(MODEL, "failure", overloaded());
        await delay(20);
      }
      assert(!(await health.admit(MODEL)).admit);
      assert(errors.length > 0 && errors.length < 5, `${errors.length}`);
      for (const error of errors) assert(error.includes(code), error);
      await client.send(["CONFIG", "SET", "maxmemory", "0"]);
      await client.send(["REPLICAOF", "NO", "ONE"]);
      const reader = redisHealth(client.send);
      while ((await reader.snapshot())[0]?.state !== "open") {
        await health.admit(MODEL);
        await delay(20);
      }
      assertEquals((await reader.snapshot())[0]?.failures, 3);
    },
  );
}

testWithServer(
  "redisHealth() uses its local copy while the server hangs, is killed and starts again (R21)",
  async (server) => {
    let client = await connect(server.port);
    const options = {
      failureThreshold: 2,
      cooldownMs: 60_000,
      maxCooldownMs: 60_000,
      cacheMs: 50,
    };
    const health = redisHealth((args) => client.send(args), options);
    await health.admit(MODEL);
    server.pause();
    health.report(MODEL, "failure", overloaded());
    health.report(MODEL, "failure", overloaded());
    assert(!(await health.admit(MODEL)).admit);
    server.resume();
    const reader = await connect(server.port);
    const others = redisHealth(reader.send, options);
    while ((await others.snapshot())[0]?.state !== "open") {
      await health.admit(MODEL);
      await delay(20);
    }
    await server.kill();
    await assertRejects(() => health.snapshot(), Error, "closed");
    assert(!(await health.admit(MODEL)).admit);
    await client[Symbol.asyncDispose]();
    await reader[Symbol.asyncDispose]();
    await server.restart();
    client = await connect(server.port);
    await using _client = client;
    // The server has lost its data and the script.
    while (!(await health.admit(MODEL)).admit) await delay(20);
    assertEquals(await health.snapshot(), []);
  },
);

testWithServer(
  "redisHealth() reports that the server refuses to read, and does not take it for an empty store (R21)",
  async ({ port }) => {
    await using admin = await connect(port);
    for (const command of ["hmget", "hgetall", "get"]) {
      await admin.send(["FLUSHALL"]);
      const rule = ["SETUSER", "default", "+@all", `-${command}`];
      await admin.send(["ACL", ...rule]);
      const errors: unknown[] = [];
      const health = redisHealth(admin.send, {
        failureThreshold: 2,
        onError: (error) => errors.push(error),
      });
      await health.report(MODEL, "failure", overloaded());
      await health.report(MODEL, "failure", overloaded());
      if (command === "hgetall") await assertRejects(() => health.snapshot());
      else {
        assertEquals((await health.admit(MODEL)).admit, false, command);
        assert(errors.length > 0, command);
      }
      await admin.send(["ACL", "SETUSER", "default", "+@all"]);
    }
  },
);
