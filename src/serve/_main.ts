// The command line.

import { parseJson } from "../_shared/safe_access.ts";
import { configFromEnv } from "./_env_config.ts";
import { demoOptions } from "./_demo.ts";
import type { ServeConfig } from "./config.ts";
import { listen, type RunningServer, serve } from "./serve.ts";

const USAGE =
  `Usage: serve [fallback.json] [--host HOST] [--port PORT] [--demo]`;

interface Arguments {
  file?: string;
  host?: string;
  port?: number;
  demo?: boolean;
}

/** Runs the command until a signal ends it. */
export async function main(args: readonly string[]): Promise<void> {
  const stop = new AbortController();
  try {
    const server = await start(parseArguments(args), stop.signal);
    console.log(
      `The gateway listens: set your client's base URL to ${server.url}/v1`,
    );
    for (const name of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(name, () => stop.abort());
    }
    await server.finished;
    // The signal listeners would keep the process alive.
    Deno.exit(0);
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(1);
  }
}

async function start(
  { file, host, port, demo = false }: Arguments,
  signal: AbortSignal,
): Promise<RunningServer> {
  const place = {
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
  };
  if (demo) {
    console.log("All models are fakes. Ask for chat, breaks-off or down.");
    const { host = "127.0.0.1", port = 8787 } = place;
    return await listen(demoOptions(), { hasKeys: false, host, port, signal });
  }
  const env = (name: string) => Deno.env.get(name);
  const config = file === undefined
    ? configFromEnv(env)
    : await readConfig(file);
  try {
    return await serve({ ...config, ...place }, { signal });
  } catch (error) {
    const prefix = file === undefined ? "" : `${file}: `;
    throw new TypeError(`${prefix}${(error as Error).message}`);
  }
}

async function readConfig(file: string): Promise<ServeConfig> {
  const text = await Deno.readTextFile(file);
  const config = parseJson(text);
  if (typeof config === "object" && config !== null) {
    return config as ServeConfig;
  }
  // The parser's message would quote the text, which may have keys.
  throw new TypeError(`${file}: it is not a JSON object`);
}

function parseArguments(args: readonly string[]): Arguments {
  const parsed: Arguments = {};
  const rest = args.flatMap((arg) =>
    /^--(host|port)=/.test(arg) ? [arg.slice(0, 6), arg.slice(7)] : [arg]
  );
  while (rest.length > 0) {
    const arg = rest.shift()!;
    if (arg === "--demo") {
      parsed.demo = true;
    } else if (arg === "--host" || arg === "--port") {
      const value = rest.shift();
      if (!value) throw new TypeError(`${arg} needs a value. ${USAGE}`);
      if (arg === "--host") parsed.host = value;
      else parsed.port = parsePort(value);
    } else if (arg.startsWith("-") || parsed.file !== undefined) {
      throw new TypeError(`Unknown argument ${JSON.stringify(arg)}. ${USAGE}`);
    } else {
      parsed.file = arg;
    }
  }
  return parsed;
}

function parsePort(value: string): number {
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65535) return Number(value);
  throw new TypeError(
    `--port must be a number from 0 to 65535: current value is ${
      JSON.stringify(value)
    }`,
  );
}
