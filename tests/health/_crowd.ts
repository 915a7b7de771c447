// Many isolates over one KV, all at once, in virtual time: requests and answers
// take as long as chance has it, and commits fail though nobody was faster.

import type { KvHealth, KvHealthOptions } from "@fallback/stream/kv";
import { virtualTime } from "@fallback/stream/testing";
import {
  assert,
  assertEquals,
  assertGreater,
  assertLessOrEqual,
} from "@std/assert";
import { delay } from "@std/async/delay";
import { random as randomFrom, seededChance } from "../../bench/_random.ts";
import { type Connection, FakeKv } from "./_fake_kv.ts";
import { type Case, down, type Subject } from "./_subject.ts";

type KvOnly = Pick<Subject, "kvHealth">;

/** The longest that a request or an answer travels, in milliseconds. */
const LATENCY_MS = 5;
const MODEL = "gpt";

/** Isolates, and what chance has in store for them. */
interface Crowd {
  readonly kv: FakeKv;
  readonly isolates: readonly Isolate[];
  readonly random: () => number;
  /** A whole number below `n`. */
  below(n: number): number;
}

interface Isolate {
  readonly store: KvHealth;
  readonly connection: Connection;
}

/** What many isolates do at once, `rounds` times, each with other chances. */
export function crowdCases(subject: KvOnly, rounds: number): Case[] {
  const many = (
    name: string,
    play: (subject: KvOnly, seed: number) => Promise<void>,
  ) => ({
    name,
    async run() {
      for (let seed = 1; seed <= rounds; seed++) {
        using _chance = seededChance(seed);
        try {
          await virtualTime(() => play(subject, seed));
        } catch (error) {
          throw new Error(`seed ${seed}: ${error}`, { cause: error });
        }
      }
    },
  });
  return [
    many("no failure is lost when isolates report at once", losesNothing),
    many("one probe goes out across all isolates", sendsOneProbe),
    many("every isolate hears of it within cacheMs", spreadsTheWord),
    many("words said at once go together", saysItAtOnce),
    many("the KV is asked no more than it takes", asksLittle),
  ];
}

function gather(
  { kvHealth }: KvOnly,
  seed: number,
  options: KvHealthOptions,
): Crowd {
  const random = randomFrom(-seed);
  const below = (n: number) => Math.floor(random() * n);
  const kv = new FakeKv();
  const isolates = Array.from({ length: 2 + below(4) }, () => {
    const connection = kv.connect({
      latencyMs: () => below(LATENCY_MS + 1),
      conflict: () => random() < 0.2 && (random() < 0.5 || "locked"),
    });
    return { connection, store: kvHealth(connection, options) };
  });
  return { kv, isolates, random, below };
}

const times = <T>(n: number, work: (i: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: n }, (_, i) => work(i)));

/** What is stored, as somebody sees it who is not part of the crowd. */
async function stored(
  { kvHealth }: KvOnly,
  kv: FakeKv,
  options: KvHealthOptions,
) {
  const [circuit] = await kvHealth(kv.connect(), options).snapshot();
  return circuit;
}

async function losesNothing(subject: KvOnly, seed: number): Promise<void> {
  const failures = 1 + seed % 9;
  const options = { failureThreshold: failures };
  const { kv, isolates, below } = gather(subject, seed, options);
  const tell = async () => {
    await delay(below(20));
    const { store } = isolates[below(isolates.length)]!;
    await store.report(MODEL, "failure", down());
  };
  await times(failures - 1, tell);
  if (failures > 1) {
    const before = await stored(subject, kv, options);
    assertEquals(before, {
      model: MODEL,
      state: "closed",
      failures: failures - 1,
    });
  }
  await tell();
  assertEquals((await stored(subject, kv, options))?.state, "open");

  // All of them at once: nothing was there before.
  const other = gather(subject, -seed, options);
  await times(failures, async () => {
    await delay(below(20));
    const { store } = other.isolates[below(other.isolates.length)]!;
    await store.report(MODEL, "failure", down());
  });
  const after = await stored(subject, other.kv, options);
  assertEquals([after?.state, after?.failures], ["open", failures]);
}

async function sendsOneProbe(subject: KvOnly, seed: number): Promise<void> {
  const cooldownMs = 500;
  const options = {
    failureThreshold: 1,
    cooldownMs,
    maxCooldownMs: 1000,
    cacheMs: 50,
  };
  const { isolates, below } = gather(subject, seed, options);
  await isolates[0]!.store.report(MODEL, "failure", down());
  /** Until when each probe is out. */
  const out = new Set<{ until: number }>();
  let probes = 0;
  let isUp = false;
  const ask = async ({ store }: Isolate) => {
    const asked = Date.now();
    const { admit } = await store.admit(MODEL);
    if (!admit || isUp) return;
    const now = Date.now();
    assert(now >= cooldownMs, `a call went through at ${now} ms`);
    for (const { until } of out) {
      assert(until <= now, `at ${now} ms a probe is out until ${until} ms`);
    }
    // It was claimed between the question and the answer.
    const probe = { until: asked + cooldownMs };
    out.add(probe);
    probes++;
    const fate = below(4);
    if (fate === 0) return; // never heard of again
    await delay(below(cooldownMs / 2));
    out.delete(probe);
    if (fate === 1) await store.report(MODEL, "released");
    if (fate === 2) await store.report(MODEL, "failure", down());
    if (fate === 3) {
      isUp = true;
      await store.report(MODEL, "success");
    }
  };
  await Promise.all(isolates.map(async (isolate) => {
    // Calls come at the same time, so that isolates get into each other's way.
    for (let at = 0; at < 4000 && !isUp; at += 50) {
      await Promise.all([ask(isolate), ask(isolate), delay(50)]);
    }
  }));
  assertGreater(probes, 0, "no probe ever went out");
  await delay(50);
  const { admit } = await isolates[0]!.store.admit(MODEL);
  if (isUp) assert(admit, "a probe has succeeded");
}

async function spreadsTheWord(subject: KvOnly, seed: number): Promise<void> {
  const cacheMs = 100;
  const options = { failureThreshold: 1, cooldownMs: 1000, cacheMs };
  const { kv, isolates, below } = gather(subject, seed, options);
  let openedAt = Infinity;
  let closedAt = Infinity;
  // Neither is followed by another write.
  const lastWrite = () => kv.writes.at(-1)?.at ?? Infinity;
  const [first] = isolates;
  const traffic = Promise.all(isolates.map(async ({ store }) => {
    while (Date.now() < 2500) {
      const asked = Date.now();
      const { admit } = await store.admit(MODEL);
      const known = (at: number) => asked > at + cacheMs + LATENCY_MS;
      if (known(closedAt)) {
        assert(admit, `skipped at ${asked} ms, closed at ${closedAt} ms`);
      } else if (known(openedAt) && asked < openedAt + 900) {
        assert(!admit, `asked at ${asked} ms, opened at ${openedAt} ms`);
      } else if (admit && asked >= openedAt + 1000) {
        await store.report(MODEL, "success");
        closedAt = lastWrite();
      }
      await delay(1 + below(60));
    }
  }));
  await delay(200 + below(200));
  await first!.store.report(MODEL, "failure", down());
  openedAt = lastWrite();
  await traffic;
  assertLessOrEqual(closedAt, 2500, "it has never closed");
}

async function saysItAtOnce(subject: KvOnly, seed: number): Promise<void> {
  const options = { failureThreshold: 1000 };
  const { kv, below } = gather(subject, seed, options);
  const connection = kv.connect({ latencyMs: () => below(LATENCY_MS + 1) });
  const store = subject.kvHealth(connection, options);
  const report = () => store.report(MODEL, "failure", down());
  await times(50, async () => await report());
  assertEquals([connection.tally.gets, connection.tally.commits], [1, 1]);
  // What is said during an exchange goes with the next.
  const running = report();
  await delay(1);
  const more = times(50, async () => await report());
  await Promise.all([running, more]);
  const { gets, commits } = connection.tally;
  assert(gets <= 3 && commits <= 3, `${gets} reads, ${commits} commits`);
  assertEquals((await stored(subject, kv, options))?.failures, 101);
}

async function asksLittle(subject: KvOnly, seed: number): Promise<void> {
  const options = {
    failureThreshold: 3,
    cooldownMs: 200,
    maxCooldownMs: 400,
    cacheMs: 100,
  };
  const { isolates, below } = gather(subject, seed, options);
  await Promise.all(isolates.map(async ({ store, connection }) => {
    let exchanges = 0;
    for (let call = 0; call < 30; call++) {
      exchanges += 3; // a refresh, a claim, and the report
      if ((await store.admit(MODEL)).admit) {
        await delay(below(30));
        const isDown = below(2) === 0;
        await store.report(MODEL, isDown ? "failure" : "success", down());
      }
      await delay(below(30));
    }
    const { gets, commits, mostOpen } = connection.tally;
    assertEquals(mostOpen, 1, "one exchange at a time");
    assertLessOrEqual(gets, 10 * exchanges);
    assertLessOrEqual(commits, gets);
  }));
}
