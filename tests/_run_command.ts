// Runs commands until they exit. A command that prints nothing for too long is
// killed, with its child processes. Total time has no limit, so that a slow
// machine fails no test.

/** How a command exited. */
export interface CommandResult {
  /** Whether the exit code was 0. */
  readonly success: boolean;
  readonly code: number;
  /** What it printed to stdout. */
  readonly out: string;
  /** What it printed to stderr. */
  readonly err: string;
}

/** How a command is run. */
export interface RunCommandOptions {
  readonly cwd?: string | undefined;
  readonly env?: Record<string, string> | undefined;
  /**
   * How long the command may print nothing, in milliseconds.
   *
   * @default {180_000}
   */
  readonly silenceMs?: number | undefined;
}

/** Runs a command, and returns its result also if it failed. */
export async function runCommand(
  command: string,
  args: readonly string[],
  { cwd, env, silenceMs = 180_000 }: RunCommandOptions = {},
): Promise<CommandResult> {
  const process = new Deno.Command(command, {
    args: [...args],
    env: { NO_COLOR: "1", ...env },
    ...(cwd !== undefined && { cwd }),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  let timeoutMessage = "";
  let timer = 0;
  const restartTimer = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      timeoutMessage = `Killed: it printed nothing for ${silenceMs} ms.\n`;
      // npx forwards no signal to its child process: kill the whole group.
      Deno.kill(-process.pid, "SIGKILL");
    }, silenceMs) as unknown as number;
  };
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    let text = "";
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      restartTimer();
      text += part;
    }
    return text;
  };
  restartTimer();
  const [{ success, code }, out, err] = await Promise.all([
    process.status,
    read(process.stdout),
    read(process.stderr),
  ]);
  clearTimeout(timer);
  return { success, code, out, err: timeoutMessage + err };
}

/** Runs a command, and throws with its output if it fails. */
export async function runSuccessfully(
  command: string,
  args: readonly string[],
  options?: RunCommandOptions,
): Promise<CommandResult> {
  const result = await runCommand(command, args, options);
  if (result.success) return result;
  throw new Error(
    `${command} ${args.join(" ")}\n${result.out}${result.err}`.trimEnd(),
  );
}

/** Whether npm is installed and reaches its registry; prints a line if not. */
export async function isNpmAvailable(): Promise<boolean> {
  const args = ["view", "bun", "version", "--fetch-retries=0"];
  try {
    if ((await runCommand("npm", args, { silenceMs: 30_000 })).success) {
      return true;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  console.log("npm or its registry is missing: tests that need it are skipped");
  return false;
}
