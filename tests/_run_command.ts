// Runs commands to completion. A command that prints nothing for too long is killed,
// with all its child processes. The limit is on progress, not on the whole time, so
// that a slow machine does not fail a test.

/** The result of a command. */
export interface CommandResult {
  /** Whether its exit code is 0. */
  readonly success: boolean;
  readonly code: number;
  /** What it printed. */
  readonly out: string;
  /** What it printed to stderr. */
  readonly err: string;
}

/** Options of a command. */
export interface RunOptions {
  readonly cwd?: string | undefined;
  readonly env?: Record<string, string> | undefined;
  /**
   * How long it may print nothing, in milliseconds.
   *
   * @default {180_000}
   */
  readonly noOutputMs?: number | undefined;
}

/** Runs a command and returns its result, also when it fails. */
export async function runCommand(
  command: string,
  args: readonly string[],
  { cwd, env, noOutputMs = 180_000 }: RunOptions = {},
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
      timeoutMessage =
        `The command has printed nothing for ${noOutputMs} ms.\n`;
      // npx waits for what it runs and forwards no signal: the whole group ends.
      Deno.kill(-process.pid, "SIGKILL");
    }, noOutputMs) as unknown as number;
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

/** Runs a command and throws if its exit code is not 0. */
export async function runOrThrow(
  command: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<CommandResult> {
  const result = await runCommand(command, args, options);
  if (result.success) return result;
  throw new Error(
    `${command} ${args.join(" ")}\n${result.out}${result.err}`.trimEnd(),
  );
}

/** Whether npm is installed and reaches its registry; logs a line if not. */
export async function checkNpmRegistry(): Promise<boolean> {
  const args = ["view", "bun", "version", "--fetch-retries=0"];
  try {
    if ((await runCommand("npm", args, { noOutputMs: 30_000 })).success) {
      return true;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  console.log(
    "Without npm and its registry the tests of the published package are skipped.",
  );
  return false;
}
