// A child process that runs commands: a line with a command goes in, a line of JSON
// comes out, so that a test decides which process does what when. Both ends of the
// protocol are here.

import { deadline } from "@std/async/deadline";
import { TextLineStream } from "@std/streams/text-line-stream";

/** A child process that runs commands; disposing of it kills it. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Sends a command and waits for its result; one command at a time. */
  send(command: string): Promise<unknown>;
  /** Closes its input and waits until it exits. */
  end(): Promise<Deno.CommandStatus>;
}

/**
 * Starts a program that calls `serveCommands()`.
 *
 * @param settings Its only argument, as JSON.
 * @param options.flags The flags of `deno run`.
 * @param options.timeoutMs How long a command may take, in milliseconds.
 */
export function start(
  program: URL,
  settings: unknown,
  { flags, timeoutMs }: { flags: readonly string[]; timeoutMs: number },
): Child {
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--quiet",
      ...flags,
      program.href,
      JSON.stringify(settings),
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const commands = process.stdin.getWriter();
  const results = linesOf(process.stdout).getReader();
  let ended = false;
  const status = process.status.finally(() => ended = true);
  return {
    pid: process.pid,
    async send(command) {
      await commands.write(new TextEncoder().encode(`${command}\n`));
      const { value, done } = await deadline(results.read(), timeoutMs);
      if (done) throw new Error(`The process has not survived '${command}'`);
      return JSON.parse(value);
    },
    async end() {
      await commands.close();
      return await deadline(status, timeoutMs);
    },
    async [Symbol.asyncDispose]() {
      if (!ended) process.kill("SIGKILL");
      await commands.abort().catch(() => {}); // it is closed, or broken
      await results.cancel();
      await status;
    },
  };
}

/** Runs the commands of standard input, each with its argument as JSON, until the input ends. */
export async function serveCommands(
  commands: Record<string, (argument: never) => unknown>,
): Promise<void> {
  for await (const line of linesOf(Deno.stdin.readable)) {
    const [, command = "", argument] = /^(\w+)(?: (.+))?$/.exec(line)!;
    const parsed = argument === undefined ? undefined : JSON.parse(argument);
    const result = await commands[command]!(parsed as never);
    console.log(JSON.stringify(result ?? {}));
  }
}

function linesOf(bytes: ReadableStream<Uint8Array<ArrayBuffer>>) {
  return bytes.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
}
