// A thousand clients at once at the example's function, whose providers fail in
// every way: each request gets one provider's answer or a clean error, and at
// the end the server holds what it held before. `-- --seconds=30` makes it last
// longer.

import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { below, random } from "../../bench/_random.ts";
import { type Child, start } from "../_child_process.ts";
import type { Held, LoadSettings } from "./_load.ts";
import { answerTo, type Provider, serveProvider } from "./_providers.ts";

const AT_ONCE = 1000;
const SECONDS = Number(/--seconds=(\d+)/.exec(Deno.args.join(" "))?.[1] ?? 3);
const SEED = 20_261;
const draw = random(SEED);
const PROVIDERS = ["alpha", "beta", "gamma"] as const;
const timeouts = { firstContentMs: 2000, idleMs: 2000, totalMs: 20_000 };

/** The state of the one socket that is there to stay. */
const LISTENING = "0A";

/** After so long something is stuck, in milliseconds. */
const STUCK_MS = 60_000;

/** How one client's request ended. */
type Ending = "answered" | "broken off" | "failed" | "left";

/** What the clients have seen. */
interface Seen {
  readonly endings: Record<Ending, number>;
  /** Times to the first word, in milliseconds. */
  readonly firstWordMs: number[];
}

/** One request, which some leave; says what came of it. */
async function ask(
  url: string,
  mark: string,
  client: Deno.HttpClient,
  { endings, firstWordMs }: Seen,
): Promise<void> {
  const controller = new AbortController();
  const leavesAfter = draw() < 0.1 ? below(draw, 5) : Infinity;
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
  let words = 0;
  for await (const { event = "message", data } of eventsOf(response)) {
    assertEquals(end, undefined, "An event came after the last");
    if (event === "attempt") continue;
    if (event !== "message") {
      end = event;
      const body = JSON.parse(data);
      assertClean(body.error ?? body);
      continue;
    }
    if (words++ === 0) firstWordMs.push(performance.now() - startedAt);
    text += JSON.parse(data);
    if (words > leavesAfter) break;
  }
  controller.abort();

  const provider = /^\w*/.exec(text)![0];
  const whole = answerTo(provider, mark).join("");
  assert(whole.startsWith(text), `Not one answer to ${mark}: ${text}`);
  if (words > leavesAfter) {
    endings.left++;
  } else if (end === "done") {
    assertEquals(text, whole);
    endings.answered++;
  } else {
    assertEquals(end, "error");
    endings[text === "" ? "failed" : "broken off"]++;
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

/** The last event gives nothing away: what is said is in our own words. */
function assertClean(
  { message, attempts }: {
    message?: string;
    attempts: { error?: string; model: string }[];
  },
): void {
  const said = [message, ...attempts.map(({ error }) => error)];
  for (const text of said.filter((text) => text !== undefined)) {
    assertMatch(
      text,
      /^(All models failed|The model failed( with status \d+)?|Model "\w+" [\w ]+ within \d+ ms \(timeouts\.\w+\)|Stream of "\w+" ended [\w ,"()]+)$/,
    );
  }
}

/** All clients ask again and again, for so long. */
async function load(
  url: string,
  { name, atOnce, seconds }: { name: string; atOnce: number; seconds: number },
): Promise<Seen> {
  const seen: Seen = {
    endings: { "answered": 0, "broken off": 0, "failed": 0, "left": 0 },
    firstWordMs: [],
  };
  using client = Deno.createHttpClient({});
  const until = performance.now() + seconds * 1000;
  let requests = 0;
  const lane = async (_: unknown, i: number) => {
    await delay(i); // a thousand connections in one moment are another test
    do {
      const mark = `<${name} ${++requests}>`;
      await deadline(ask(url, mark, client, seen), STUCK_MS);
    } while (performance.now() < until);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return seen;
}

/** Waits until the news that the last client has left are everywhere. */
async function settle(server: Child, providers: readonly Provider[]) {
  for (let tries = 0;; tries++) {
    const held = await server.send("held") as Held;
    const connections = await connectionsOf(server.pid);
    const pending = providers.some(({ outcomes }) => outcomes.pending > 0);
    const isQuiet = held.answering + held.timers + connections === 0;
    if (isQuiet && !pending || tries === 50) return { ...held, connections };
    await delay(100);
  }
}

/** How many connections a process has, where that can be seen; else none. */
async function connectionsOf(pid: number): Promise<number> {
  if (Deno.build.os !== "linux") return 0;
  const inodes = new Set<string>();
  for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
    const target = await Deno.readLink(`/proc/${pid}/fd/${name}`)
      .catch(() => ""); // it was closed meanwhile
    inodes.add(/^socket:\[(\d+)\]/.exec(target)?.[1] ?? "");
  }
  const table = await Deno.readTextFile(`/proc/${pid}/net/tcp`);
  return table.split("\n").slice(1).filter((line) => {
    const { 3: state, 9: inode = "0" } = line.trim().split(/\s+/);
    return state !== LISTENING && inodes.has(inode);
  }).length;
}

Deno.test("a thousand clients at once get one whole answer each or a clean error, and leave nothing in the server", async () => {
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
    start(new URL("_load.ts", import.meta.url), settings, {
      flags: ["--allow-net=127.0.0.1", "--v8-flags=--expose-gc"],
      timeoutMs: STUCK_MS,
    }),
  );
  const url = `http://127.0.0.1:${await server.send("port")}/chat`;
  // What is made once and kept, such as code, shall not count.
  await load(url, { name: "warm-up", atOnce: AT_ONCE, seconds: 0 });
  const before = await settle(server, providers);
  const startedAt = performance.now();
  const { endings, firstWordMs } = await load(url, {
    name: "load",
    atOnce: AT_ONCE,
    seconds: SECONDS,
  });
  const seconds = (performance.now() - startedAt) / 1000;
  const after = await settle(server, providers);
  const status = await server.end();

  const requests = Object.values(endings).reduce((sum, n) => sum + n);
  firstWordMs.sort((a, b) => a - b);
  const at = (part: number) =>
    Math.round(firstWordMs[Math.floor(part * firstWordMs.length)]!);
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  console.log(
    [
      `seed ${SEED}: ${requests} requests in ${
        seconds.toFixed(1)
      } s, ${after.mostAnswering} at once: ${JSON.stringify(endings)}`,
      `first word after ${at(0.5)} ms (p50), ${at(0.99)} ms (p99)`,
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
  const { heap, rss: _, mostAnswering, ...left } = after;
  assertEquals(left, {
    answering: 0,
    connections: 0,
    timers: 0,
    unhandled: [],
  });
  assertEquals(providers.map(({ outcomes }) => outcomes.pending), [0, 0, 0]);
  assertLess(AT_ONCE * 0.9, mostAnswering);
  // The collector keeps a few MiB of its own, more or less.
  assertLess(heap, before.heap * 1.1 + 4 * 2 ** 20);
});
