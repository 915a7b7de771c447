// Uses a circuit through each Redis client while the server is killed and restarted.
// Runs in Deno, Node and Bun, in a folder with the clients and the bundled entry
// point. Prints a line per step, and continues after "kill" and "restart" when it
// reads a line.
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

// This file exists only in the folder where the program runs.
const { redisHealth } = await import(
  new URL("./redis_health.js", import.meta.url).href
);

const port = Number(process.argv[2]);
const url = `redis://127.0.0.1:${port}`;

/** How each client is connected, as docs/health.md shows it. */
const clients = {
  async redis() {
    const { createClient } = await import("redis");
    const client = createClient({ url, disableOfflineQueue: true });
    client.on("error", () => {});
    await client.connect();
    return {
      send: (args) => client.sendCommand([...args]),
      close: () => client.destroy(),
    };
  },
  ioredis: async () => await connectRedis(await import("ioredis")),
  iovalkey: async () => await connectRedis(await import("iovalkey")),
};

/** `iovalkey` is a fork of `ioredis`. */
async function connectRedis({ Redis }) {
  const client = new Redis(url, { enableOfflineQueue: false });
  client.on("error", () => {});
  await new Promise((resolve) => client.once("ready", resolve));
  return {
    send: ([name, ...rest]) => client.call(name, ...rest),
    close: () => client.disconnect(),
  };
}
if (typeof Bun !== "undefined") {
  clients.bun = async () => {
    const client = new Bun.RedisClient(url, { enableOfflineQueue: false });
    client.onclose = () => {};
    await client.connect();
    return {
      send: ([name, ...rest]) => client.send(name, rest),
      close: () => client.close(),
    };
  };
}

const failure = new Error("overloaded");
const options = { failureThreshold: 3, cooldownMs: 15_000, cacheMs: 100 };

/** Opens a store over a client, and a second store that reads what is stored. */
async function open(name) {
  const { send, close } = await clients[name]();
  const errors = [];
  const onError = (error) => errors.push(String(error));
  const health = redisHealth(send, { ...options, onError, prefix: name });
  const reader = redisHealth(send, { ...options, prefix: name });
  return { name, health, reader, close, errors };
}

const stores = [];
for (const name of Object.keys(clients)) stores.push(await open(name));

for (const { name, health, reader } of stores) {
  for (let i = 0; i < 3; i++) await health.report("gpt", "failure", failure);
  const [circuit] = await reader.snapshot();
  const { admit } = await reader.admit("gpt");
  console.log(`${name}: ${circuit.state} after ${circuit.failures}, ${admit}`);
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
console.log("kill");
await lines.next();
for (const { name, health } of stores) {
  let worstMs = 0;
  let admitted = 0;
  for (let i = 0; i < 10; i++) {
    const startedAt = performance.now();
    health.report("other", "failure", failure);
    if ((await health.admit("other")).admit) admitted++;
    worstMs = Math.max(worstMs, performance.now() - startedAt);
    await delay(20);
  }
  console.log(`${name}: admitted ${admitted} of 10; ${Math.round(worstMs)} ms`);
}
console.log("restart");
await lines.next();
for (const { name, health, reader, errors } of stores) {
  // The queued events are stored once the client has reconnected.
  let state;
  while (state !== "open") {
    await health.admit("other");
    await delay(50);
    state = (await reader.snapshot().catch(() => []))[0]?.state;
  }
  console.log(`${name}: ${state} again; ${errors.length > 0}`);
}
for (const { close } of stores) close();
console.log("done");
process.exit(0);
