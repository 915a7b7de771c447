// A child process that a test controls. The parent writes one command per line
// to its stdin, and the child prints one line of JSON as the reply. This file has
// both sides.

import { deadline } from "@std/async/deadline";
import { TextLineStream } from "@std/streams/text-line-stream";

/** A child process that serves commands. It is killed when it is disposed of. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Sends a command, and resolves with its reply. Send one at a time. */
  send(command: string): Promise<unknown>;
  /** Closes the stdin of the child, and waits until it exits. */
  end(): Promise<Deno.CommandStatus>;
}

/**
 * Starts a program that calls {@linkcode serveCommands}.
 *
 * @param settings Passed to the program as JSON, as its only argument.
 * @param options.flags The permissions and other flags of `deno run`.
 * @param options.timeoutMs How long a reply may take, in milliseconds.
 */
export function startChild(
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
  const replies = linesOf(process.stdout).getReader();
  let hasExited = false;
  const status = process.status.finally(() => hasExited = true);
  return {
    pid: process.pid,
    async send(command) {
      await commands.write(new TextEncoder().encode(`${command}\n`));
      const { value, done } = await deadline(replies.read(), timeoutMs);
      if (done) throw new Error(`The process exited during '${command}'`);
      return JSON.parse(value);
    },
    async end() {
      await commands.close();
      return await deadline(status, timeoutMs);
    },
    async [Symbol.asyncDispose]() {
      if (!hasExited) process.kill("SIGKILL");
      await commands.abort().catch(() => {}); // Already closed, or broken.
      await replies.cancel();
      await status;
    },
  };
}

/**
 * Runs the commands that arrive on stdin, until it is closed.
 *
 * @param handlers A function for each command. It gets the JSON that follows the
 * name of the command, and its result is the reply.
 */
export async function serveCommands(
  handlers: Record<string, (argument: never) => unknown>,
): Promise<void> {
  for await (const line of linesOf(Deno.stdin.readable)) {
    const [, name = "", json] = /^(\w+)(?: (.+))?$/.exec(line)!;
    const argument = json === undefined ? undefined : JSON.parse(json);
    const reply = await handlers[name]!(argument as never);
    console.log(JSON.stringify(reply ?? {}));
  }
}

function linesOf(bytes: ReadableStream<Uint8Array<ArrayBuffer>>) {
  return bytes.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
}
