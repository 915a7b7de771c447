// A thousand concurrent clients call the example's handler, whose providers fail in
// every way. Each request must get the answer of one provider or a safe error, and
// at the end the server must hold no more than before. `-- --seconds=30` runs the
// test for longer.

import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { below, random } from "../../bench/_random.ts";
import { type Child, startChild } from "../_child_process.ts";
import type { LoadSettings, ServerState } from "./_load.ts";
import { answerTo, type Provider, serveProvider } from "./_providers.ts";

const CONCURRENCY = 1000;
const WARM_UP_CONCURRENCY = 200;
const SECONDS = Number(/--seconds=(\d+)/.exec(Deno.args.join(" "))?.[1] ?? 1);
const SEED = 20_261;
const draw = random(SEED);
const PROVIDERS = ["alpha", "beta", "gamma"] as const;
const timeouts = { firstContentMs: 2000, idleMs: 2000, totalMs: 20_000 };

/** The state of a listening socket in /proc/net/tcp. */
const LISTENING = "0A";

/** How long a request or a command may take, in milliseconds. */
const TIMEOUT_MS = 60_000;

/** How one client's request ended. */
type Ending = "complete" | "interrupted" | "failed" | "aborted";

/** What the clients observed. */
interface Seen {
  readonly endings: Record<Ending, number>;
  /** Times to first content, in milliseconds. */
  readonly firstContentMs: number[];
}

/** Sends a request, aborts some of them, and counts how it ended. */
async function sendRequest(
  url: string,
  mark: string,
  client: Deno.HttpClient,
  { endings, firstContentMs }: Seen,
): Promise<void> {
  const controller = new AbortController();
  const abortsAfter = draw() < 0.1 ? below(draw, 5) : Infinity;
  const startedAt = performance.now();
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ messages: [{ role: "user", content: mark }] }),
    signal: controller.signal,
    client,
  });
  assertEquals(response.status, 200);
  let text = "";
  let end: string | undefined;
  let chunks = 0;
  for await (const { event = "message", data } of eventsOf(response)) {
    assertEquals(end, undefined, "an event after the final event");
    if (event === "attempt") continue;
    if (event !== "message") {
      end = event;
      const body = JSON.parse(data);
      assertSafe(body.error ?? body);
      continue;
    }
    if (chunks++ === 0) firstContentMs.push(performance.now() - startedAt);
    text += JSON.parse(data);
    if (chunks > abortsAfter) break;
  }
  controller.abort();

  const provider = /^\w*/.exec(text)![0];
  const whole = answerTo(provider, mark).join("");
  assert(whole.startsWith(text), `Not one answer to ${mark}: ${text}`);
  if (chunks > abortsAfter) {
    endings.aborted++;
  } else if (end === "done") {
    assertEquals(text, whole);
    endings.complete++;
  } else {
    assertEquals(end, "error");
    endings[text === "" ? "failed" : "interrupted"]++;
  }
}

async function* eventsOf({ body }: Response) {
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event) });
  const decoder = new TextDecoder();
  for await (const bytes of body!) {
    parser.feed(decoder.decode(bytes, { stream: true }));
    yield* events.splice(0);
  }
}

/** Checks that an event has only messages of this library, none of a provider. */
function assertSafe(
  { message, attempts }: {
    message?: string;
    attempts: { error?: string; model: string }[];
  },
): void {
  const messages = [message, ...attempts.map(({ error }) => error)];
  for (const text of messages.filter((text) => text !== undefined)) {
    assertMatch(
      text,
      /^(All models failed|The model failed( with status \d+)?|Model "\w+" [\w ]+ within \d+ ms \(timeouts\.\w+\)|Stream of "\w+" ended [\w ,"()]+)$/,
    );
  }
}

/** Lets all clients send requests repeatedly for this long. */
async function load(
  url: string,
  { name, concurrency, seconds }: {
    name: string;
    concurrency: number;
    seconds: number;
  },
): Promise<Seen> {
  const seen: Seen = {
    endings: { complete: 0, interrupted: 0, failed: 0, aborted: 0 },
    firstContentMs: [],
  };
  using httpClient = Deno.createHttpClient({});
  const until = performance.now() + seconds * 1000;
  let requests = 0;
  const runClient = async (_: unknown, i: number) => {
    await delay(i); // Do not open all connections in the same moment.
    do {
      const mark = `<${name} ${++requests}>`;
      await deadline(sendRequest(url, mark, httpClient, seen), TIMEOUT_MS);
    } while (performance.now() < until);
  };
  await Promise.all(Array.from({ length: concurrency }, runClient));
  return seen;
}

/** Waits until server and providers have noticed that all clients disconnected. */
async function settle(server: Child, providers: readonly Provider[]) {
  for (let tries = 0;; tries++) {
    const state = await server.send("state") as ServerState;
    const connections = await connectionsOf(server.pid);
    const pending = providers.some(({ outcomes }) => outcomes.pending > 0);
    const isQuiet = state.active + state.timers + connections === 0;
    if (isQuiet && !pending || tries === 50) return { ...state, connections };
    await delay(100);
  }
}

/** The number of connections of a process; 0 except on Linux. */
async function connectionsOf(pid: number): Promise<number> {
  if (Deno.build.os !== "linux") return 0;
  const inodes = new Set<string>();
  for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
    const target = await Deno.readLink(`/proc/${pid}/fd/${name}`)
      .catch(() => ""); // It was closed meanwhile.
    inodes.add(/^socket:\[(\d+)\]/.exec(target)?.[1] ?? "");
  }
  const table = await Deno.readTextFile(`/proc/${pid}/net/tcp`);
  return table.split("\n").slice(1).filter((line) => {
    const { 3: state, 9: inode = "0" } = line.trim().split(/\s+/);
    return state !== LISTENING && inodes.has(inode);
  }).length;
}

Deno.test("createHandler() serves a thousand concurrent clients one complete answer or a safe error each, and leaks nothing", async () => {
  await using stack = new AsyncDisposableStack();
  const providers = PROVIDERS.map((name) =>
    stack.use(serveProvider(name, draw))
  );
  const urls = PROVIDERS.map((name, i) => [name, providers[i]!.baseURL]);
  const settings: LoadSettings = {
    providers: Object.fromEntries(urls),
    timeouts,
  };
  const server = stack.use(
    startChild(new URL("_load.ts", import.meta.url), settings, {
      flags: ["--allow-net=127.0.0.1", "--v8-flags=--expose-gc"],
      timeoutMs: TIMEOUT_MS,
    }),
  );
  const url = `http://127.0.0.1:${await server.send("port")}/chat`;
  // Warm up: code and caches that are created once must not count.
  await load(url, {
    name: "warm-up",
    concurrency: WARM_UP_CONCURRENCY,
    seconds: 0,
  });
  const before = await settle(server, providers);
  const startedAt = performance.now();
  const { endings, firstContentMs } = await load(url, {
    name: "load",
    concurrency: CONCURRENCY,
    seconds: SECONDS,
  });
  const seconds = (performance.now() - startedAt) / 1000;
  const after = await settle(server, providers);
  const status = await server.end();

  const requests = Object.values(endings).reduce((sum, n) => sum + n);
  firstContentMs.sort((a, b) => a - b);
  const at = (part: number) =>
    Math.round(firstContentMs[Math.floor(part * firstContentMs.length)]!);
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  console.log(
    [
      `seed ${SEED}: ${requests} requests in ${
        seconds.toFixed(1)
      } s, ${after.maxActive} at once: ${JSON.stringify(endings)}`,
      `first content after ${at(0.5)} ms (p50), ${at(0.99)} ms (p99)`,
      `heap ${mib(before.heap)} → ${mib(after.heap)} MiB, rss ${
        mib(before.rss)
      } → ${mib(after.rss)} MiB, connections left: ${after.connections}`,
      ...PROVIDERS.map((name, i) =>
        `${name}: ${JSON.stringify(providers[i]!.outcomes)}`
      ),
    ].join("\n"),
  );

  assertEquals(status.success, true);
  for (const count of Object.values(endings)) assertLess(0, count);
  const { heap, rss: _, maxActive, ...left } = after;
  assertEquals(left, {
    active: 0,
    connections: 0,
    timers: 0,
    unhandled: [],
  });
  assertEquals(providers.map(({ outcomes }) => outcomes.pending), [0, 0, 0]);
  assertLess(CONCURRENCY * 0.9, maxActive);
  // The size of the heap varies by a few MiB.
  assertLess(heap, before.heap * 1.1 + 4 * 2 ** 20);
});
