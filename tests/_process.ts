// A program that runs to its end. If that takes too long it is ended, with all
// that it has started.

/** What a program has left behind. */
export interface Ended {
  /** Whether it has done what it should. */
  readonly success: boolean;
  readonly code: number;
  /** What it printed. */
  readonly out: string;
  /** What it complained about. */
  readonly err: string;
}

/** How a program is run. */
export interface RunOptions {
  readonly cwd?: string | undefined;
  readonly env?: Record<string, string> | undefined;
  /** After so long it is stuck, in milliseconds. */
  readonly stuckMs?: number | undefined;
}

/** Runs a program. */
export async function run(
  command: string,
  args: readonly string[],
  { cwd, env, stuckMs = 120_000 }: RunOptions = {},
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
  const patience = setTimeout(() => {
    stuck = `It has not ended within ${stuckMs} ms.\n`;
    // npx waits for what it runs whatever it is told: the whole group goes.
    Deno.kill(-process.pid, "SIGKILL");
  }, stuckMs);
  const { success, code, stdout, stderr } = await process.output();
  clearTimeout(patience);
  const text = new TextDecoder();
  return {
    success,
    code,
    out: text.decode(stdout),
    err: stuck + text.decode(stderr),
  };
}

/** Runs a program that has to do what it should. */
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

/** Whether npm is there and has a registry; a line says so if it has not. */
export async function npmAnswers(): Promise<boolean> {
  const args = ["view", "bun", "version", "--fetch-retries=0"];
  try {
    if ((await run("npm", args, { stuckMs: 10_000 })).success) return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  console.log("Without npm and its registry nothing is tested as published.");
  return false;
}
