// A real Redis or Valkey server on a free loopback port, without persistence.

import { delay } from "@std/async/delay";

/** A server that is stopped when it is disposed of. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  /** Suspends the process until `resume()`. */
  pause(): void;
  resume(): void;
  /** Kills the process; its data is lost. */
  kill(): Promise<void>;
  /** Starts the server again, on the same port and without data. */
  restart(): Promise<void>;
}

/** The program, if one is installed. */
export const REDIS_SERVER: string | undefined = findProgram();

function findProgram(): string | undefined {
  for (const name of ["valkey-server", "redis-server"]) {
    try {
      const command = new Deno.Command(name, { args: ["--version"] });
      if (command.outputSync().success) return name;
    } catch {
      // It is not installed.
    }
  }
  return undefined;
}

/** Defines a test with a server. Without the program it is skipped, with a warning. */
export function testWithServer(
  name: string,
  fn: (server: RedisServer) => Promise<void>,
): void {
  const ignore = REDIS_SERVER === undefined;
  if (ignore) {
    console.warn(`Skipped without valkey-server or redis-server: ${name}`);
  }
  Deno.test({
    name,
    ignore,
    fn: async () => {
      await using server = await startRedis();
      await fn(server);
    },
  });
}

/** Starts a server. */
export async function startRedis(): Promise<RedisServer> {
  const folder = await Deno.makeTempDir();
  // Another program may take the free port first, so it is tried again.
  for (let attempt = 1;; attempt++) {
    const port = freePort();
    try {
      let child = await launch(port, folder);
      const end = async (signal: Deno.Signal) => {
        try {
          child.kill(signal);
        } catch {
          // It has ended already.
        }
        await child.status;
      };
      return {
        port,
        pause: () => child.kill("SIGSTOP"),
        resume: () => child.kill("SIGCONT"),
        kill: () => end("SIGKILL"),
        restart: async () => void (child = await launch(port, folder)),
        async [Symbol.asyncDispose]() {
          await end("SIGKILL"); // also if it is paused
          await Deno.remove(folder, { recursive: true });
        },
      };
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function launch(
  port: number,
  folder: string,
): Promise<Deno.ChildProcess> {
  const child = new Deno.Command(REDIS_SERVER!, {
    args: [
      ...["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder],
      ...["--save", "", "--appendonly", "no", "--loglevel", "warning"],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let hasEnded = false;
  child.status.then(() => hasEnded = true);
  while (!hasEnded) {
    if (await isReady(port)) return child;
    await delay(10);
  }
  throw new Error(`${REDIS_SERVER} did not start on port ${port}`);
}

async function isReady(port: number): Promise<boolean> {
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode("PING\r\n"));
    const bytes = new Uint8Array(100);
    const size = await connection.read(bytes);
    return new TextDecoder().decode(bytes.subarray(0, size ?? 0)) ===
      "+PONG\r\n";
  } catch {
    return false;
  }
}
