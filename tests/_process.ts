// Programs that run to their end. One that prints nothing for too long is ended, with
// all that it has started: the limit is about progress, so that a slow machine is no
// failure.

/** How a program ended. */
export interface Ended {
  /** Whether it ended with success. */
  readonly success: boolean;
  readonly code: number;
  /** What it printed. */
  readonly out: string;
  /** What it printed to stderr. */
  readonly err: string;
}

/** How a program is run. */
export interface RunOptions {
  readonly cwd?: string | undefined;
  readonly env?: Record<string, string> | undefined;
  /**
   * How long it may print nothing, in milliseconds.
   *
   * @default {180_000}
   */
  readonly stuckMs?: number | undefined;
}

/** Runs a program. */
export async function run(
  command: string,
  args: readonly string[],
  { cwd, env, stuckMs = 180_000 }: RunOptions = {},
): Promise<Ended> {
  const process = new Deno.Command(command, {
    args: [...args],
    env: { NO_COLOR: "1", ...env },
    ...(cwd !== undefined && { cwd }),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  let stuck = "";
  let timer = 0;
  const restartTimer = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      stuck = `It has printed nothing for ${stuckMs} ms.\n`;
      // npx waits for what it runs and forwards no signal: the whole group ends.
      Deno.kill(-process.pid, "SIGKILL");
    }, stuckMs) as unknown as number;
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
  return { success, code, out, err: stuck + err };
}

/** Runs a program that has to end with success. */
export async function succeed(
  command: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<Ended> {
  const ended = await run(command, args, options);
  if (ended.success) return ended;
  throw new Error(
    `${command} ${args.join(" ")}\n${ended.out}${ended.err}`.trimEnd(),
  );
}

/** Whether npm is installed and has a registry; a line says so if it has not. */
export async function npmAnswers(): Promise<boolean> {
  const args = ["view", "bun", "version", "--fetch-retries=0"];
  try {
    if ((await run("npm", args, { stuckMs: 30_000 })).success) return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  console.log("Without npm and its registry nothing is tested as published.");
  return false;
}
