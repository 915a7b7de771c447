// A process of its own that does what it is told: a line with a command goes in,
// a line of JSON comes out, so that a test decides who does what when. Both ends
// of that are here.

import { deadline } from "@std/async/deadline";
import { TextLineStream } from "@std/streams/text-line-stream";

/** A process that does what it is told, and is ended when it is disposed of. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Lets it do something; one thing at a time. */
  tell(command: string): Promise<unknown>;
  /** Lets it end by itself. */
  end(): Promise<Deno.CommandStatus>;
}

/**
 * Starts a program that obeys.
 *
 * @param settings What it is told first.
 * @param options.flags What it may do.
 * @param options.stuckMs After so long it is stuck, in milliseconds.
 */
export function start(
  program: URL,
  settings: unknown,
  { flags, stuckMs }: { flags: readonly string[]; stuckMs: number },
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
  const answers = linesOf(process.stdout).getReader();
  let ended = false;
  const status = process.status.finally(() => ended = true);
  return {
    pid: process.pid,
    async tell(command) {
      await commands.write(new TextEncoder().encode(`${command}\n`));
      const { value, done } = await deadline(answers.read(), stuckMs);
      if (done) throw new Error(`The process has not survived '${command}'`);
      return JSON.parse(value);
    },
    async end() {
      await commands.close();
      return await deadline(status, stuckMs);
    },
    async [Symbol.asyncDispose]() {
      if (!ended) process.kill("SIGKILL");
      await commands.abort().catch(() => {}); // it is closed, or broken
      await answers.cancel();
      await status;
    },
  };
}

/** Does what comes in, with what stands behind it as JSON, until nothing does. */
export async function obey(
  commands: Record<string, (argument: never) => unknown>,
): Promise<void> {
  for await (const line of linesOf(Deno.stdin.readable)) {
    const [, command = "", argument] = /^(\w+)(?: (.+))?$/.exec(line)!;
    const told = argument === undefined ? undefined : JSON.parse(argument);
    const answer = await commands[command]!(told as never);
    console.log(JSON.stringify(answer ?? {}));
  }
}

function linesOf(bytes: ReadableStream<Uint8Array<ArrayBuffer>>) {
  return bytes.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
}
