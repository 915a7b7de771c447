// A process of its own that shares a SQLite file with others, as the isolates
// of an app share a database. It does what it is told: a line with a command
// goes in, a line of JSON comes out, so that a test decides who does what when.
// Both ends of that are here, and the program that makes fall-back calls.

import { fallbackStream } from "@fallback/stream";
import { kvHealth, type KvHealthOptions } from "@fallback/stream/kv";
import { openaiModel } from "@fallback/stream/openai";
import { deadline } from "@std/async/deadline";
import { TextLineStream } from "@std/streams/text-line-stream";

/** After so long a process is stuck, in milliseconds. */
const STUCK_MS = 30_000;

/** A process that does what it is told, and is ended when it is disposed of. */
export interface Child extends AsyncDisposable {
  /** Lets it do something; one thing at a time. */
  tell(command: string): Promise<unknown>;
  /** Lets it end by itself. */
  end(): Promise<Deno.CommandStatus>;
}

/** Starts a program that obeys. */
export function start(program: string, settings: unknown): Child {
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--quiet",
      "--allow-net=127.0.0.1",
      "--allow-read",
      "--allow-write",
      new URL(program, import.meta.url).href,
      JSON.stringify(settings),
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const commands = process.stdin.getWriter();
  const answers = linesOf(process.stdout).getReader();
  let ended = false;
  const status = process.status.finally(() => ended = true);
  return {
    async tell(command) {
      await commands.write(new TextEncoder().encode(`${command}\n`));
      const { value, done } = await deadline(answers.read(), STUCK_MS);
      if (done) throw new Error(`The process has not survived '${command}'`);
      return JSON.parse(value);
    },
    async end() {
      await commands.close();
      return await deadline(status, STUCK_MS);
    },
    async [Symbol.asyncDispose]() {
      if (!ended) process.kill("SIGKILL");
      await commands.abort().catch(() => {}); // it is closed, or broken
      await answers.cancel();
      await status;
    },
  };
}

/** Does what comes in, until nothing comes in any more. */
export async function obey(
  commands: Record<string, (count: number) => unknown>,
): Promise<void> {
  for await (const line of linesOf(Deno.stdin.readable)) {
    const [command = "", count] = line.split(" ");
    console.log(JSON.stringify(await commands[command]!(Number(count)) ?? {}));
  }
}

function linesOf(bytes: ReadableStream<Uint8Array<ArrayBuffer>>) {
  return bytes.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
}

/** What a process that makes calls is told first. */
export interface CallerSettings {
  readonly name: string;
  /** The SQLite file. */
  readonly path: string;
  /** Where the models are, best first. */
  readonly baseUrls: readonly string[];
  readonly health: KvHealthOptions;
}

/** What became of a call. */
export interface Call {
  readonly startedAt: number;
  /** What became of each model. */
  readonly outcomes: readonly string[];
}

if (import.meta.main) {
  const settings: CallerSettings = JSON.parse(Deno.args[0]!);
  const { name, path, baseUrls } = settings;
  using kv = await Deno.openKv(path);
  const health = kvHealth(kv, settings.health);
  const models = baseUrls.map((baseUrl, i) =>
    openaiModel({ model: `model-${i + 1}`, baseUrl })
  );
  const call = async (): Promise<Call> => {
    const startedAt = Date.now();
    // The server counts by this field.
    const request = { messages: [{ role: "user", content: "hi" }], user: name };
    await using stream = await fallbackStream(models, request, { health });
    await Array.fromAsync(stream);
    return { startedAt, outcomes: stream.attempts.map((it) => it.outcome) };
  };
  await obey({
    ready: () => {},
    call: (count) => Promise.all(Array.from({ length: count }, call)),
  });
}
