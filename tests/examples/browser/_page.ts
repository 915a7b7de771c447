// The page in a real browser, a promise after the other: `_page.ts BROWSER`. It
// prints a line of JSON for each. The providers go on when they are told to, so
// that nothing here depends on how fast anything is.

import { memoryHealth } from "@fallback/stream/health";
import { openaiModel } from "@fallback/stream/openai";
import {
  type FakeProvider,
  fakeProvider,
  type ProviderCall,
  step,
  wire,
  type WireScript,
} from "@fallback/stream/testing";
import { assert, assertEquals } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { chromium, type Page } from "playwright-core";
import { createHandler } from "../../../examples/deploy/handler.ts";
import * as inPage from "./_in_page.js";

/** A provider whose packets wait until they are let through. */
class Gate {
  readonly #waiting: (() => void)[] = [];
  #passes = 0;

  letThrough(packets: number): void {
    this.#passes += packets;
    while (this.#passes > 0 && this.#waiting.length > 0) {
      this.#passes--;
      this.#waiting.shift()!();
    }
  }

  hold(response: Response): Response {
    const reader = response.body!.getReader();
    const body = new ReadableStream({
      pull: async (controller) => {
        await this.#pass();
        const { value, done } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    }, { highWaterMark: 0 });
    return new Response(body, response);
  }

  #pass(): Promise<void> | undefined {
    if (this.#passes === 0) {
      return new Promise((resolve) => this.#waiting.push(resolve));
    }
    this.#passes--;
  }
}

/** The length of the long answer, in tokens. `-- 3000` is the full one. */
const WORDS = Number(Deno.args[1] ?? 800);
const WORDS_PER_SECOND = 200;

/** A step takes some milliseconds, but on a busy machine. */
const LONGEST_MS = 60_000;

/** Who is asked in the scene that is played. */
let providers: readonly [
  name: string,
  provider: FakeProvider,
  gate: Gate | undefined,
][] = [];

function cast(...scripts: [name: string, script: WireScript, gate?: Gate][]) {
  providers = scripts.map((
    [name, script, gate],
  ) => [name, fakeProvider(script), gate]);
}

/** The latest request that a provider got. */
function callOf(name: string): ProviderCall {
  const call = callsOf(name).at(-1);
  assert(call, `${name} was not asked`);
  return call;
}

function callsOf(name: string): readonly ProviderCall[] {
  return providers.find(([each]) => each === name)![1].calls;
}

const handler = createHandler({
  models: () =>
    providers.map(([model, { fetch }, gate]) =>
      openaiModel({
        model,
        fetch: gate
          ? async (url, init) => gate.hold(await fetch(url, init))
          : fetch,
      })
    ),
  page: await Deno.readTextFile(
    new URL("../../../examples/deploy/index.html", import.meta.url),
  ),
  health: memoryHealth({ failureThreshold: 100 }),
});

await using server = Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: () => {},
}, handler);
const home = `http://127.0.0.1:${server.addr.port}/`;

await using browser = await chromium.launch({ executablePath: Deno.args[0]! });

/** Whatever the browser complained about, and whom it asked. */
const complaints: string[] = [];
const asked = new Set<string>();

/** The page, and what a visitor does with it. */
class Visitor {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async ask(question: string): Promise<void> {
    await this.page.getByRole("textbox", { name: "Your message" })
      .fill(question);
    await this.page.getByRole("button", { name: "Send" }).click();
  }

  /** Waits until the latest answer says this, and goes on, or is over. */
  async reads(text: string, { busy }: { busy: boolean }): Promise<void> {
    const state = busy ? '[aria-busy="true"]' : ":not([aria-busy])";
    await this.page.locator(`article:last-child .answer${state}`, {
      hasText: new RegExp(`^${text}$`),
    }).waitFor();
  }

  /** Waits until the latest waterfall has this row. */
  async sees(model: string, outcome: string): Promise<void> {
    await this.row(model, outcome).waitFor();
  }

  row(model: string, outcome: string) {
    return this.page.locator("article:last-child li")
      .filter({ has: this.page.getByText(model, { exact: true }) })
      .filter({ has: this.page.getByText(outcome, { exact: true }) });
  }

  /** Waits until the latest exchange is over, with this notice. */
  async isTold(notice: string | RegExp): Promise<void> {
    await this.page.locator("article:last-child .notice", { hasText: notice })
      .waitFor();
  }

  async focused(): Promise<string> {
    return await this.page.locator(":focus").first().evaluate(inPage.nameOf);
  }
}

const steps: [promise: string, (visitor: Visitor) => Promise<void>][] = [
  [
    "words appear as they come, before the answer is complete",
    async (visitor) => {
      const gate = new Gate();
      cast(["primary", ["One ", "two ", "three"], gate]);
      await visitor.ask("Count");
      await visitor.sees("primary", "waiting");
      gate.letThrough(1);
      await visitor.reads("One ", { busy: true });
      await visitor.sees("primary", "streaming");
      gate.letThrough(1);
      await visitor.reads("One two ", { busy: true });
      assertEquals(callOf("primary").outcome, "pending");
      await visitor.page.getByRole("button", { name: "Stop" }).waitFor();
      gate.letThrough(9);
      await visitor.reads("One two three", { busy: false });
      await visitor.sees("primary", "completed");
      await visitor.page.getByRole("button", { name: "Send" }).waitFor();
    },
  ],
  ["a failed attempt shows while nobody has answered yet", async (visitor) => {
    const gate = new Gate();
    cast(["primary", [wire.status(529)]], ["backup", ["Here"], gate]);
    await visitor.ask("Anybody?");
    await visitor.sees("primary", "failed");
    await visitor.sees("backup", "waiting");
    await visitor.page.getByText("529, overloaded").waitFor();
    gate.letThrough(9);
    await visitor.reads("Here", { busy: false });
    await visitor.sees("backup", "completed");
  }],
  [
    "the waterfall is to scale: who was asked later begins where the one before ended",
    async (visitor) => {
      const [primary, backup] = await Promise.all(
        [["primary", "failed"], ["backup", "completed"]].map(async (
          [model, outcome],
        ) => {
          const bars = visitor.row(model!, outcome!).locator(".bar");
          const boxes = await Promise.all(
            (await bars.all()).map((bar) => bar.boundingBox()),
          );
          const track = await visitor.row(model!, outcome!).locator(".track")
            .boundingBox();
          return { boxes, track };
        }),
      );
      const end = primary!.boxes[0]!.x + primary!.boxes[0]!.width;
      assert(backup!.boxes[0]!.x >= end - 3, "the rows overlap");
      const last = backup!.boxes.at(-1)!;
      const edge = backup!.track!.x + backup!.track!.width;
      assert(last.x + last.width <= edge + 3, "a bar leaves its track");
      assertEquals(primary!.track!.x, backup!.track!.x);
    },
  ],
  ["a model that is skipped shows, and why", async (visitor) => {
    const busy = wire.status(429, { headers: { "retry-after": "60" } });
    cast(["resting", [busy]], ["backup", ["Yes"]]);
    await visitor.ask("Once");
    await visitor.sees("backup", "completed");
    await visitor.ask("Twice");
    await visitor.sees("resting", "skipped");
    await visitor.sees("backup", "completed");
    await visitor.page.getByText(/^resting for another [\d.]+ s$/).waitFor();
  }],
  ["an answer that breaks off stays, and says so", async (visitor) => {
    const reset = new Error("reset by 10.0.0.7");
    cast(["primary", ["Half", step.fail(reset)]], ["backup", ["Other"]]);
    await visitor.ask("All of it?");
    await visitor.isTold("The answer broke off: the model failed.");
    await visitor.reads("Half", { busy: false });
    await visitor.sees("primary", "interrupted");
    assertEquals(callsOf("backup"), []);
    assertEquals(await visitor.page.getByText("10.0.0.7").count(), 0);
  }],
  ["where nobody answers, that is said", async (visitor) => {
    cast(["primary", [wire.status(500)]], ["backup", [wire.status(503)]]);
    await visitor.ask("Anybody?");
    await visitor.isTold("No answer: all models failed.");
    await visitor.sees("backup", "failed");
  }],
  ["Stop closes the provider's connection", async (visitor) => {
    cast(["primary", ["One ", step.hang()]]);
    await visitor.ask("Go on");
    await visitor.reads("One ", { busy: true });
    await visitor.page.getByRole("button", { name: "Stop" }).click();
    await callOf("primary").closed;
    assertEquals(callOf("primary").outcome, "aborted");
    await visitor.isTold("Stopped.");
    await visitor.sees("primary", "cancelled");
  }],
  [
    "Stop before the first word closes it too, and asks nobody else",
    async (visitor) => {
      cast(["primary", [step.open(), step.hang()]], ["backup", ["No"]]);
      await visitor.ask("Hello?");
      await visitor.sees("primary", "waiting");
      await visitor.page.getByRole("button", { name: "Stop" }).click();
      await callOf("primary").closed;
      assertEquals(callOf("primary").outcome, "aborted");
      assertEquals(callsOf("backup"), []);
      await visitor.isTold("Stopped.");
    },
  ],
  [
    "after that the conversation goes on, with what was said",
    async (visitor) => {
      cast(["primary", ["Sure"]]);
      await visitor.ask("And now?");
      await visitor.reads("Sure", { busy: false });
      const { messages } = callOf("primary").body as {
        messages: { role: string; content: string }[];
      };
      assertEquals(messages.slice(-3), [
        { role: "user", content: "Go on" },
        { role: "assistant", content: "One […]" },
        { role: "user", content: "And now?" },
      ]);
    },
  ],
  [
    "a reload in mid-answer closes the connection, and the page begins anew",
    async (visitor) => {
      cast(["primary", ["One ", step.hang()]]);
      await visitor.ask("Go on");
      await visitor.reads("One ", { busy: true });
      const call = callOf("primary");
      await visitor.page.reload();
      await call.closed;
      assertEquals(call.outcome, "aborted");
      cast(["primary", ["Welcome"]]);
      await visitor.ask("Again");
      await visitor.reads("Welcome", { busy: false });
    },
  ],
  ["the keyboard is enough, and shows where it is", async (visitor) => {
    const { page } = visitor;
    const { keyboard } = page;
    await page.reload();
    const way: string[] = [];
    for (let tab = 0; tab < 5; tab++) {
      await keyboard.press("Tab");
      way.push(await visitor.focused());
      const outline = await page.locator(":focus").evaluate(inPage.outlineOf);
      assertEquals(outline, "solid", `no outline at ${way.at(-1)}`);
    }
    assertEquals(way, [
      "What are you?",
      "Why does a lighthouse have two lamps?",
      "fail",
      "prompt",
      "send",
    ]);
    await page.locator("#fail").focus();
    await keyboard.press("ArrowDown");
    assertEquals(await page.locator("#fail").inputValue(), "status");
    cast(["primary", ["One ", step.hang()]]);
    await keyboard.press("Tab");
    await keyboard.type("Two");
    await keyboard.press("Shift+Enter");
    await keyboard.type("lines");
    await keyboard.press("Enter");
    await visitor.reads("One ", { busy: true });
    assertEquals(await visitor.focused(), "prompt");
    await keyboard.press("Escape");
    await callOf("primary").closed;
    await visitor.isTold("Stopped.");
    assertEquals(await visitor.focused(), "prompt");
    const { messages } = callOf("primary").body as { messages: object[] };
    assertEquals(messages, [{ role: "user", content: "Two\nlines" }]);
  }],
  ["a question to begin with is one key away", async (visitor) => {
    const { page } = visitor;
    await page.reload();
    cast(["primary", ["Me"]]);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await visitor.reads("Me", { busy: false });
    await page.getByRole("heading", { name: "What are you?" }).waitFor();
    assertEquals(await visitor.focused(), "prompt");
  }],
  [
    "a screen reader hears who answers and how it ended, not every word",
    async (visitor) => {
      const { page } = visitor;
      await page.locator("#status").evaluate(inPage.listenTo);
      cast(["primary", [wire.status(529)]], ["backup", [
        "a ",
        "b ",
        "c ",
        "d",
      ]]);
      await visitor.ask("Say it");
      await visitor.reads("a b c d", { busy: false });
      assertEquals(
        await page.evaluate(inPage.heard),
        [
          "backup is answering.",
          "The answer is complete.",
        ],
      );
      assertEquals(await page.getByRole("status").count(), 1);
      assertEquals(await page.locator("[aria-live]").count(), 0);
    },
  ],
  [
    "what can be used has a name, and a waterfall is a list with words",
    async (visitor) => {
      const { page } = visitor;
      await page.getByRole("combobox", { name: "The first model" }).waitFor();
      await page.getByRole("textbox", { name: "Your message" }).waitFor();
      await page.getByRole("main", { name: "Conversation" }).waitFor();
      await page.getByRole("form", { name: "Ask" }).waitFor();
      const said = await page.getByRole("figure", {
        name: "What was tried for this answer",
      }).last().getByRole("listitem").first().innerText();
      assert(
        /^primary\s+failed\s+\d\.\d\d s\s+529, overloaded$/
          .test(said),
        said,
      );
    },
  ],
  ["nothing moves for those who asked for less motion", async (visitor) => {
    await visitor.page.emulateMedia({ reducedMotion: "reduce" });
    cast(["primary", ["One ", step.hang()]]);
    await visitor.ask("Calmly");
    await visitor.reads("One ", { busy: true });
    assertEquals(
      await visitor.page.evaluate(inPage.countAnimations),
      0,
    );
    await visitor.page.keyboard.press("Escape");
    await visitor.isTold("Stopped.");
  }],
  [
    "a server that has gone is told, and so is one that refuses",
    async (visitor) => {
      const { page } = visitor;
      cast(["primary", ["Yes"]]);
      await page.route("**/chat", (route) => route.abort());
      await visitor.ask("Hello?");
      await visitor.isTold("The server cannot be reached.");
      await page.unroute("**/chat");
      await page.locator("#fail").evaluate(inPage.offerPrototype);
      await page.locator("#fail").selectOption("__proto__");
      await visitor.ask("Hello?");
      await visitor.isTold(/^The server refused: fail must be one/);
      // Two the browser complains about by itself.
      assertEquals(complaints.splice(0).map((text) => text.slice(0, 23)), [
        "Failed to load resource",
        "Failed to load resource",
      ]);
    },
  ],
  [
    "U+2028 in an answer is text, and half a character does no harm",
    async (visitor) => {
      await visitor.page.reload();
      cast(["primary", ["a\u2028b \ud83d", step.hang()]]);
      await visitor.ask("Separators?");
      await visitor.page.getByText("a\u2028b").waitFor();
      await visitor.page.keyboard.press("Escape");
      await visitor.isTold("Stopped.");
      cast(["primary", ["Fine"]]);
      await visitor.ask("And now?");
      await visitor.reads("Fine", { busy: false });
    },
  ],
  [
    "a long conversation, and one with an empty answer, can go on",
    async (visitor) => {
      await visitor.page.reload();
      cast(["primary", ["\n\n", step.hang()]]);
      await visitor.ask("Empty");
      await visitor.sees("primary", "streaming");
      await visitor.page.keyboard.press("Escape");
      await visitor.isTold("Stopped.");
      cast(["primary", ["x".repeat(14 * 1024)]]);
      for (let round = 0; round < 6; round++) {
        await visitor.ask(`Long ${round}`);
        await visitor.reads("x+", { busy: false });
      }
    },
  ],
  ["reasoning is shown apart, and a tool call is said", async (visitor) => {
    await visitor.page.reload();
    cast(["primary", [
      { choices: [{ delta: { reasoning_content: "Hm …" } }] },
      { choices: [{ delta: { tool_calls: [{ index: 0, id: "1" }] } }] },
      wire.finish(),
    ]]);
    await visitor.ask("Use a tool");
    await visitor.isTold("The model called a tool and wrote no text.");
    await visitor.page.locator(".thoughts", { hasText: "Hm …" }).waitFor();
  }],
  ["silence in mid-answer is drawn pale, also afterwards", async (visitor) => {
    cast(["primary", ["One ", step.hang()]]);
    await visitor.ask("Stall");
    const pause = visitor.page.locator(
      "article:last-child .bar.words + .bar.wait",
    );
    await pause.waitFor();
    await visitor.page.keyboard.press("Escape");
    await visitor.isTold("Stopped.");
    await pause.waitFor();
  }],
  ["each answer has a line of figures", async (visitor) => {
    cast(["primary", [wire.status(529)]], ["backup", ["Hi"]]);
    await visitor.ask("Figures?");
    await visitor.page.getByText(
      /^answered by backup · first word after [\d.]+ s · [\d.]+ s in all · 2 attempts/,
    ).waitFor();
  }],
  [
    "the second half of a long answer costs no more than the first",
    async (visitor) => {
      await visitor.page.reload();
      const session = await context.newCDPSession(visitor.page);
      await session.send("Performance.enable");
      const cost = async () => {
        const { metrics } = await session.send("Performance.getMetrics");
        return metrics.filter(({ name }) =>
          name === "LayoutDuration" || name === "ScriptDuration"
        ).reduce((sum, { value }) => sum + value, 0);
      };
      const half = Array.from({ length: WORDS / 2 }, (_, i) => [
        `word${i} `,
        step.wait(1000 / WORDS_PER_SECOND),
      ]).flat();
      cast(["primary", [...half, "Middle. ", ...half, "End."]]);
      const before = await cost();
      await visitor.ask("Long");
      const answer = visitor.page.locator("article:last-child .answer");
      await answer.filter({ hasText: "Middle." }).waitFor();
      const middle = await cost();
      await answer.filter({ hasText: "End." }).waitFor();
      const end = await cost();
      const [first, second] = [middle - before, end - middle];
      // Below 50 ms the noise of the machine is larger than any growth.
      assert(
        second <= Math.max(1.3 * first, 0.05),
        `${second} s after ${first} s`,
      );
    },
  ],
  [
    "nothing is wider than the page, and all text has contrast, light and dark",
    async (visitor) => {
      const { page } = visitor;
      await page.reload();
      const long =
        "model-with-a-name-that-is-longer-than-anybody-wants-to-read";
      cast([long, [wire.status(503)]], ["backup", [
        "W".repeat(300),
        step.fail("gone"),
      ]]);
      await visitor.ask("x".repeat(200));
      await visitor.sees("backup", "interrupted");
      cast(["primary", ["One ", step.hang()]]);
      await visitor.ask("And");
      await visitor.reads("One ", { busy: true });
      await page.emulateMedia({ reducedMotion: "reduce" });
      for (const width of [320, 400, 768, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        const excess = await page.evaluate(inPage.excessWidth);
        assertEquals(excess, 0, `at ${width} px`);
      }
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        assertEquals(await page.evaluate(inPage.faintTexts), [], colorScheme);
      }
      await page.keyboard.press("Escape");
    },
  ],
  ["nobody complained, and nobody else was asked", () => {
    assertEquals(complaints, []);
    assertEquals([...asked], [new URL(home).origin]);
    return Promise.resolve();
  }],
];

await using context = await browser.newContext();
context.setDefaultTimeout(LONGEST_MS);
context.on("console", (said) => complaints.push(said.text()));
context.on("weberror", (error) => complaints.push(`${error.error()}`));
context.on("request", (request) => asked.add(new URL(request.url()).origin));
const visitor = new Visitor(await context.newPage());
await visitor.page.goto(home);

for (const [promise, keep] of steps) {
  let error: string | undefined;
  try {
    await deadline(keep(visitor), LONGEST_MS);
  } catch (cause) {
    error = cause instanceof Error ? cause.stack : String(cause);
    // The next promise is not to suffer from it.
    await visitor.page.goto(home);
  }
  console.log(JSON.stringify({ promise, error }));
}
