// Real Redis clients in Deno, Node and Bun, with a real server.

import { assertEquals } from "@std/assert";
import { TextLineStream } from "@std/streams/text-line-stream";
import { isNpmAvailable } from "../_run_command.ts";
import { temporaryFolder } from "../_temporary_folder.ts";
import { type RedisServer, testWithServer } from "./_server.ts";

const CLIENTS = ["redis@6.3.1", "ioredis@6.0.0", "iovalkey@0.4.0"];
const NAMES = ["redis", "ioredis", "iovalkey"];

const RUNTIMES: Readonly<Record<string, readonly string[]>> = {
  Deno: [Deno.execPath(), "run", "-A", "--no-lock"],
  "Node 24": ["npx", "-y", "node@24"],
  Bun: ["npx", "-y", "bun@1.4.5"],
};

/** Fills a folder with the clients, the bundled entry point and the program. */
async function prepare(path: string): Promise<void> {
  await Deno.writeTextFile(
    `${path}/package.json`,
    JSON.stringify({ type: "module" }),
  );
  const run = async (
    command: string,
    args: readonly string[],
    cwd?: string,
  ) => {
    const options = { args: [...args], ...cwd && { cwd } };
    const { success, stderr } = await new Deno.Command(command, options)
      .output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  };
  await run("npm", ["install", "--no-audit", "--no-fund", ...CLIENTS], path);
  const root = new URL("../..", import.meta.url).pathname;
  const output = `${path}/redis_health.js`;
  await run(
    Deno.execPath(),
    ["bundle", "-q", "-o", output, "src/redis/mod.ts"],
    root,
  );
  const program = new URL("_clients.js", import.meta.url);
  await Deno.copyFile(program, `${path}/clients.js`);
}

/** Runs the program, and kills and restarts the server when the program prints that. */
async function runClients(
  server: RedisServer,
  [command, ...args]: readonly string[],
  cwd: string,
): Promise<string[]> {
  const child = new Deno.Command(command!, {
    args: [...args, "clients.js", `${server.port}`],
    cwd,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = child.stdin.getWriter();
  const lines: string[] = [];
  const output = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of output) {
    if (line === "kill") await server.kill();
    else if (line === "restart") await server.restart();
    else {
      lines.push(line);
      continue;
    }
    await input.write(new TextEncoder().encode("\n"));
  }
  await child.status;
  await input.close().catch(() => {}); // It has exited.
  return lines;
}

// All runtimes use one folder, because installing the clients takes long.
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const isAvailable = await isNpmAvailable();

Deno.test.beforeAll(async () => {
  folder = await temporaryFolder();
  if (isAvailable) await prepare(folder.path);
});

Deno.test.afterAll(async () => await folder[Symbol.asyncDispose]());

for (const [runtime, command] of Object.entries(RUNTIMES)) {
  const names = runtime === "Bun" ? [...NAMES, "bun"] : NAMES;
  if (!isAvailable) continue;
  testWithServer(
    `redisHealth() works with ${names.join(", ")} in ${runtime}`,
    async (server) => {
      const lines = await runClients(server, command, folder.path);
      const withoutTimes = lines.map((line) =>
        line.replace(/\d+ ms/, "some ms")
      );
      assertEquals(withoutTimes, [
        ...names.map((name) => `${name}: open after 3, false`),
        ...names.map((name) => `${name}: admitted 2 of 10; some ms`),
        ...names.map((name) => `${name}: open again; true`),
        "done",
      ], lines.join("\n"));
    },
  );
}
