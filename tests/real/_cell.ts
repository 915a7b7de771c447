// One cell of the matrix: a client in a situation.

import {
  attemptsOf,
  fallbackStream,
  type HealthStore,
  type Model,
  usageOf,
} from "@fallback/stream";
import { retryAfterOf } from "../../src/_shared/retry_after.ts";
import { statusOf } from "../../src/_shared/http_status.ts";
import { Connection, type Script } from "./_connection.ts";
import type { Load } from "./_packages.ts";
import type { Situation } from "./_situations.ts";
import type { Wire } from "./wires/wire.ts";

/** A client of the matrix. */
export interface Client {
  readonly name: string;
  readonly wire: Wire;
  make(
    load: Load,
    fetch: typeof globalThis.fetch,
    name: string,
    /** Collects the types of the parts that arrive. */
    seen?: Set<string>,
  ): Promise<Model<string, string>>;
}

/** What happened in a cell. */
export interface Cell {
  readonly client: string;
  readonly situation: string;
  /** What the caller saw: the text, and the error or the end. */
  readonly outcome: string;
  /** The types of the parts, where a language model streams them. */
  readonly parts?: readonly string[];
  /** What the health store was told about the first model. */
  readonly health: string;
  /** What is not as wished, if anything. */
  readonly faults: readonly string[];
}

/** How long silence may last, in milliseconds, where it is what is tested. */
const SILENCE_MS = 150;

/** The same where it is not, because packages are loaded lazily. */
const LOADING_MS = 10_000;

const OTHER: Model<string, string> = {
  name: "other",
  async *stream() {
    yield "other";
  },
};

class Reports implements HealthStore {
  readonly reports: string[] = [];
  admit() {
    return { admit: true } as const;
  }
  report(model: string, outcome: string) {
    if (model === "first") this.reports.push(outcome);
  }
}

/** Runs one client in one situation, before a second model that answers. */
export async function runCell(
  load: Load,
  client: Client,
  situation: Situation,
): Promise<Cell> {
  const connection = new Connection(situation.script(client.wire));
  const seen = new Set<string>();
  const first = await client.make(load, connection.fetch, "first", seen);
  const health = new Reports();
  const { connect, ending } = situation.script(client.wire);
  const isSilent = connect === "hang" || ending === "hang";
  const isEarly = situation.wish === "fallback";
  const timeouts = {
    firstContentMs: isSilent && isEarly ? SILENCE_MS : LOADING_MS,
    idleMs: isSilent ? SILENCE_MS : LOADING_MS,
  };
  let text = "";
  let failure: { error: unknown } | undefined;
  let attempts: ReturnType<typeof attemptsOf> = [];
  try {
    await using stream = await fallbackStream([first, OTHER], "hi", {
      timeouts,
      health,
    });
    attempts = stream.attempts;
    for await (const chunk of stream) text += chunk;
  } catch (error) {
    failure = { error };
    if (attempts.length === 0) attempts = attemptsOf(error);
  }
  const told = health.reports.join();
  const faults: string[] = [];
  const expect = (what: string, actual: unknown, wished: unknown) => {
    if (actual !== wished) {
      faults.push(`${what} is ${String(actual)}, not ${String(wished)}`);
    }
  };
  expect("failed", Boolean(failure), situation.wish === "error");
  expect(
    "text",
    text,
    situation.wish === "fallback" ? "other" : "Hel",
  );
  expect(
    "health",
    told,
    {
      fallback: "failure",
      error: "success,failure",
      complete: "success",
    }[situation.wish],
  );
  expect("open connections", connection.open, 0);
  expect("requests", connection.requests, 1);
  const error = attempts[0]?.error;
  if (situation.wish !== "complete") {
    expect("an Error", error instanceof Error, true);
  }
  if (situation.status) expect("status", statusOf(error), situation.status);
  if (situation.retryAfterMs) {
    expect("Retry-After", retryAfterOf(error), situation.retryAfterMs);
  }
  if (situation.wish === "complete" && first.name === "first") {
    const { inputTokens } = usageOf(attempts);
    if (inputTokens !== undefined) expect("input tokens", inputTokens, 3);
  }
  const end = failure ? describe(failure.error) : "end";
  const why = error === undefined ? "" : ` (${describe(error)})`;
  return {
    client: client.name,
    situation: situation.name,
    outcome: `${text}, ${end}${failure ? "" : why}`,
    ...(seen.size > 0 && { parts: [...seen].sort() }),
    health: told,
    faults,
  };
}

/** How a caller may leave a stream. */
export const WAYS_TO_LEAVE = ["break", "abort"] as const;

/** Whether the connection is closed when the caller leaves. */
export async function runLeaving(
  load: Load,
  client: Client,
  way: (typeof WAYS_TO_LEAVE)[number],
): Promise<Cell> {
  const { wire } = client;
  const script: Script = {
    headers: { "content-type": wire.contentType },
    pieces: [wire.preamble, wire.content],
    ending: "hang",
  };
  const connection = new Connection(script);
  const first = await client.make(load, connection.fetch, "first");
  const health = new Reports();
  const controller = new AbortController();
  const stream = await fallbackStream([first, OTHER], "hi", {
    signal: controller.signal,
    timeouts: { firstContentMs: 1_000 },
    health,
  });
  const { value } = await stream.next();
  const startedAt = Date.now();
  if (way === "abort") controller.abort(new Error("left"));
  await stream.return().catch(() => {});
  const faults: string[] = [];
  const ms = Date.now() - startedAt;
  if (connection.open !== 0) faults.push("the connection is open");
  if (ms > 500) faults.push("closing took more than 500 ms");
  if (stream.attempts.at(-1)?.closeError !== undefined) {
    faults.push(
      `closing threw ${describe(stream.attempts.at(-1)?.closeError)}`,
    );
  }
  return {
    client: client.name,
    situation: `${way} after content`,
    outcome: String(value),
    health: health.reports.join(),
    faults,
  };
}

function describe(error: unknown): string {
  const { name, message } = Object(error) as Partial<Error>;
  return `${name}: ${String(message).split("\n")[0]!.slice(0, 80)}`;
}
