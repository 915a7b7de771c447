// Compiles a user's program with the package installed.

import { type CommandResult, runCommand } from "../_run_command.ts";

const CONSUMER = new URL("./consumer.ts", import.meta.url);

/** A compiler and its options. */
export interface Compiler {
  /** The version of TypeScript. */
  readonly version: string;
  readonly module: "nodenext" | "esnext";
  readonly moduleResolution: "nodenext" | "bundler";
  /** The declarations of web APIs. */
  readonly lib: readonly string[];
  readonly types: readonly string[];
}

/**
 * The oldest and the newest: for Node without browser types, and for browsers without
 * Node types.
 */
export const COMPILERS: readonly Compiler[] = [
  {
    version: "5.7.3",
    module: "nodenext",
    moduleResolution: "nodenext",
    lib: ["esnext"],
    types: ["node"],
  },
  {
    version: "7.0.2",
    module: "esnext",
    moduleResolution: "bundler",
    lib: ["esnext", "dom", "dom.asynciterable"],
    types: [],
  },
];

/**
 * Compiles a user's program with strict options.
 *
 * @param cwd The folder in which the package is installed.
 */
export async function compile(
  { version, ...options }: Compiler,
  cwd: string,
): Promise<CommandResult> {
  const config = {
    compilerOptions: {
      ...options,
      target: "esnext",
      noEmit: true,
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
    },
    files: ["consumer.ts"],
  };
  await Deno.writeTextFile(`${cwd}/tsconfig.json`, JSON.stringify(config));
  await Deno.copyFile(CONSUMER, `${cwd}/consumer.ts`);
  return await runCommand("npx", [
    "-y",
    `--package=typescript@${version}`,
    "tsc",
  ], {
    cwd,
  });
}
