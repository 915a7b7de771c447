// What the simulation assumes: every number is a flag, and has a default.

interface Flag {
  /** A list has a number for each provider. */
  readonly value: number | readonly number[];
  readonly min: number;
  readonly max?: number;
  readonly whole?: true;
  readonly meaning: string;
}

/** Above this, a timer would fire at once. */
export const LONGEST_MS = 2_147_483_647;

const FLAGS = {
  calls: {
    value: 10_000,
    min: 1,
    max: 10_000_000,
    whole: true,
    meaning: "calls for each strategy",
  },
  seed: {
    value: 1,
    min: 0,
    max: 2 ** 32 - 1,
    whole: true,
    meaning: "of everything random",
  },
  callsPerMinute: {
    value: 5,
    min: 1e-6,
    meaning: "at random moments (Poisson)",
  },
  medianMs: {
    value: [600, 700, 800],
    min: 0,
    max: LONGEST_MS,
    meaning:
      "median time to first content (log-normal), a number for each provider",
  },
  shortestMs: {
    value: 0,
    min: 0,
    max: LONGEST_MS,
    meaning: "no answer begins earlier",
  },
  longestMs: {
    value: LONGEST_MS,
    min: 0,
    max: LONGEST_MS,
    meaning: "no answer begins later",
  },
  sigma: {
    value: 0.8,
    min: 0,
    max: 10,
    meaning: "standard deviation of its logarithm",
  },
  shared: {
    value: 0.3,
    min: 0,
    max: 1,
    meaning: "part of that variance that a call brings along to every provider",
  },
  tail: {
    value: 0.02,
    min: 0,
    max: 1,
    meaning: "part of the answers that begin later by a factor (Pareto)",
  },
  tailShape: {
    value: 1,
    min: 0.1,
    max: 100,
    meaning: "exponent of that factor; the smaller, the later",
  },
  chunks: {
    value: 20,
    min: 2,
    max: 1_000_000,
    whole: true,
    meaning: "chunks of an answer, which the caller reads to the end",
  },
  paceMs: {
    value: 100,
    min: 0,
    max: LONGEST_MS,
    meaning: "from one chunk to the next",
  },
  failures: {
    value: 0.005,
    min: 0,
    max: 1,
    meaning: "part of the answers that fail before their first content",
  },
  interrupted: {
    value: 0.001,
    min: 0,
    max: 1,
    meaning: "part of the answers that fail after it",
  },
  outageHours: {
    value: 12,
    min: 1e-3,
    meaning: "mean time between two outages of a provider (Poisson)",
  },
  outageMinutes: {
    value: 4,
    min: 0,
    meaning: "mean length of an outage, in which every answer fails",
  },
  silent: {
    value: 0.2,
    min: 0,
    max: 1,
    meaning: "part of all these failures that are silence instead of an error",
  },
  refusalMs: {
    value: 200,
    min: 0,
    max: LONGEST_MS,
    meaning: "until an error in place of an answer arrives",
  },
  patienceMs: {
    value: 60_000,
    min: 0,
    max: LONGEST_MS,
    meaning: "after which the caller gives the whole call up",
  },
  firstContentMs: {
    value: 10_000,
    min: 0,
    max: LONGEST_MS,
    meaning: "with timeouts: `timeouts.firstContentMs`",
  },
  idleMs: {
    value: 10_000,
    min: 0,
    max: LONGEST_MS,
    meaning: "with timeouts: `timeouts.idleMs`",
  },
  retryAttempts: {
    value: 3,
    min: 1,
    max: 1000,
    whole: true,
    meaning: "with retry: `retry.maxAttempts`",
  },
  retryDelayMs: {
    value: 500,
    min: 0,
    max: LONGEST_MS,
    meaning: "with retry: `retry.minDelayMs`",
  },
  hedgeQuantile: {
    value: 0.95,
    min: 0,
    max: 1,
    meaning:
      "with hedging: `hedge.afterMs` is this quantile of the first model's time to first content",
  },
  hedgeBudget: {
    value: 0.05,
    min: 0,
    max: 1,
    meaning: "with a budget: its `ratio`, the hedges that a call earns",
  },
  hedgeBurst: {
    value: 10,
    min: 1,
    meaning: "with a budget: its `burst`, the hedges that it holds",
  },
} as const satisfies Record<string, Flag>;

type Name = keyof typeof FLAGS;

/** A value for every flag. */
export type Parameters = {
  readonly [Key in Name]: (typeof FLAGS)[Key]["value"] extends number ? number
    : readonly number[];
};

/** What is wrong with the command line, in one line. */
export class UsageError extends Error {}

const names = Object.keys(FLAGS) as Name[];
const spelled = (name: Name) =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/**
 * Reads `--flag value` and `--flag=value`.
 *
 * @throws {UsageError} If a flag is unknown, or its value is not what it takes.
 */
export function readParameters(args: readonly string[]): Parameters {
  const values: Record<string, number | readonly number[]> = Object.fromEntries(
    names.map((name) => [name, FLAGS[name].value]),
  );
  const rest = args.flatMap((arg) => arg.split("="));
  for (let place = 0; place < rest.length; place += 2) {
    const name = names.find((name) => spelled(name) === rest[place]);
    if (!name) {
      throw new UsageError(
        `"${rest[place]}" is not a flag: there are ${
          names.map(spelled).join(", ")
        }`,
      );
    }
    values[name] = readValue(name, rest[place + 1]);
  }
  // Every name has a value of its flag's kind: `readValue` sees to that.
  return values as Parameters;
}

function readValue(name: Name, text = ""): number | readonly number[] {
  const flag: Flag = FLAGS[name];
  const { value, min, max = Number.MAX_VALUE, whole } = flag;
  const numbers = text.split(",").map((part) => part.trim() ? +part : NaN);
  const ok = numbers.every((number) =>
    number >= min && number <= max && (!whole || Number.isInteger(number))
  );
  const isList = typeof value !== "number";
  if (ok && (isList || numbers.length === 1)) {
    return isList ? numbers : numbers[0]!;
  }
  const what = isList
    ? "numbers, separated by commas,"
    : whole
    ? "a whole number"
    : "a number";
  const range = flag.max === undefined
    ? `of at least ${min}`
    : `from ${min} to ${max}`;
  throw new UsageError(
    `${spelled(name)} takes ${what} ${range}: current value is "${text}"`,
  );
}

/** The command that repeats a run. */
export function commandOf(parameters: Parameters): string {
  const flags = names
    .filter((name) =>
      name === "seed" || `${parameters[name]}` !== `${FLAGS[name].value}`
    )
    .map((name) => ` ${spelled(name)} ${parameters[name]}`);
  return `deno task simulate${flags.join("")}`;
}

/** The parameters as rows of a table. */
export function describe(parameters: Parameters): string[][] {
  return [
    ["flag", "value", "what it is"],
    ...names.map((name) => [
      `\`${spelled(name)}\``,
      `${parameters[name]}`,
      FLAGS[name].meaning,
    ]),
  ];
}
