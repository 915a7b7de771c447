// Tests the page in a real browser: `_page.ts BROWSER`. Prints a line of JSON for
// each test. Providers send a packet when the test lets it through, so that no test
// depends on the speed of the machine.

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

/** Holds back the packets of a provider until `letThrough()`. */
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

/** The length of the long answer, in chunks. Pass 3000 for a long run. */
const CHUNKS = Number(Deno.args[1] ?? 800);
const CHUNKS_PER_SECOND = 200;

/** How long a test may take. Most take a few milliseconds on a fast machine. */
const TIMEOUT_MS = 60_000;

/** The providers of the current test, in order of preference. */
let providers: readonly [
  name: string,
  provider: FakeProvider,
  gate: Gate | undefined,
][] = [];

function useProviders(
  ...scripts: [name: string, script: WireScript, gate?: Gate][]
) {
  providers = scripts.map((
    [name, script, gate],
  ) => [name, fakeProvider(script), gate]);
}

/** The latest request that a provider got. */
function callOf(name: string): ProviderCall {
  const call = callsOf(name).at(-1);
  assert(call, `${name} was not called`);
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

/** Errors on the console, and the origins of all requests. */
const browserErrors: string[] = [];
const origins = new Set<string>();

/** A user of the page. */
class User {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async send(question: string): Promise<void> {
    await this.page.getByRole("textbox", { name: "Your message" })
      .fill(question);
    await this.page.getByRole("button", { name: "Send" }).click();
  }

  /** Waits until the latest answer has this text, and is running (`busy`) or ended. */
  async seesAnswer(text: string, { busy }: { busy: boolean }): Promise<void> {
    const state = busy ? '[aria-busy="true"]' : ":not([aria-busy])";
    await this.page.locator(`article:last-child .answer${state}`, {
      hasText: new RegExp(`^${text}$`),
    }).waitFor();
  }

  /** Waits until the latest waterfall has a row with this model and outcome. */
  async seesAttempt(model: string, outcome: string): Promise<void> {
    await this.row(model, outcome).waitFor();
  }

  row(model: string, outcome: string) {
    return this.page.locator("article:last-child li")
      .filter({ has: this.page.getByText(model, { exact: true }) })
      .filter({ has: this.page.getByText(outcome, { exact: true }) });
  }

  /** Waits until the latest answer has ended with this notice. */
  async seesNotice(notice: string | RegExp): Promise<void> {
    await this.page.locator("article:last-child .notice", { hasText: notice })
      .waitFor();
  }

  async focused(): Promise<string> {
    return await this.page.locator(":focus").first().evaluate(inPage.nameOf);
  }
}

const steps: [name: string, (user: User) => Promise<void>][] = [
  [
    "the page shows each chunk when it arrives",
    async (user) => {
      const gate = new Gate();
      useProviders(["primary", ["One ", "two ", "three"], gate]);
      await user.send("Count");
      await user.seesAttempt("primary", "waiting");
      gate.letThrough(1);
      await user.seesAnswer("One ", { busy: true });
      await user.seesAttempt("primary", "streaming");
      gate.letThrough(1);
      await user.seesAnswer("One two ", { busy: true });
      assertEquals(callOf("primary").outcome, "pending");
      await user.page.getByRole("button", { name: "Stop" }).waitFor();
      gate.letThrough(9);
      await user.seesAnswer("One two three", { busy: false });
      await user.seesAttempt("primary", "completed");
      await user.page.getByRole("button", { name: "Send" }).waitFor();
    },
  ],
  [
    "the page shows a failed attempt before a model has answered",
    async (user) => {
      const gate = new Gate();
      useProviders(["primary", [wire.status(529)]], ["backup", ["Here"], gate]);
      await user.send("Hello?");
      await user.seesAttempt("primary", "failed");
      await user.seesAttempt("backup", "waiting");
      await user.page.getByText("529, overloaded").waitFor();
      gate.letThrough(9);
      await user.seesAnswer("Here", { busy: false });
      await user.seesAttempt("backup", "completed");
    },
  ],
  [
    "the waterfall draws an attempt from where the one before ended",
    async (user) => {
      const [primary, backup] = await Promise.all(
        [["primary", "failed"], ["backup", "completed"]].map(async (
          [model, outcome],
        ) => {
          const bars = user.row(model!, outcome!).locator(".bar");
          const boxes = await Promise.all(
            (await bars.all()).map((bar) => bar.boundingBox()),
          );
          const track = await user.row(model!, outcome!).locator(".track")
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
  ["the page shows a skipped model and the reason", async (user) => {
    const busy = wire.status(429, { headers: { "retry-after": "60" } });
    useProviders(["resting", [busy]], ["backup", ["Yes"]]);
    await user.send("Once");
    await user.seesAttempt("backup", "completed");
    await user.send("Twice");
    await user.seesAttempt("resting", "skipped");
    await user.seesAttempt("backup", "completed");
    await user.page.getByText(/^resting for another [\d.]+ s$/).waitFor();
  }],
  ["the page keeps an interrupted answer, and shows a notice", async (user) => {
    const reset = new Error("reset by 10.0.0.7");
    useProviders(["primary", ["Half", step.fail(reset)]], ["backup", [
      "Other",
    ]]);
    await user.send("All of it?");
    await user.seesNotice("The answer broke off: the model failed.");
    await user.seesAnswer("Half", { busy: false });
    await user.seesAttempt("primary", "interrupted");
    assertEquals(callsOf("backup"), []);
    assertEquals(await user.page.getByText("10.0.0.7").count(), 0);
  }],
  ["the page shows a notice when all models fail", async (user) => {
    useProviders(["primary", [wire.status(500)]], ["backup", [
      wire.status(503),
    ]]);
    await user.send("Hello?");
    await user.seesNotice("No answer: all models failed.");
    await user.seesAttempt("backup", "failed");
  }],
  ["Stop closes the provider's connection after content", async (user) => {
    useProviders(["primary", ["One ", step.hang()]]);
    await user.send("Go on");
    await user.seesAnswer("One ", { busy: true });
    await user.page.getByRole("button", { name: "Stop" }).click();
    await callOf("primary").closed;
    assertEquals(callOf("primary").outcome, "aborted");
    await user.seesNotice("Stopped.");
    await user.seesAttempt("primary", "cancelled");
  }],
  [
    "Stop closes the provider's connection before content, without a fallback",
    async (user) => {
      useProviders(["primary", [step.open(), step.hang()]], ["backup", ["No"]]);
      await user.send("Hello?");
      await user.seesAttempt("primary", "waiting");
      await user.page.getByRole("button", { name: "Stop" }).click();
      await callOf("primary").closed;
      assertEquals(callOf("primary").outcome, "aborted");
      assertEquals(callsOf("backup"), []);
      await user.seesNotice("Stopped.");
    },
  ],
  [
    "the page sends the stopped answer with the next question",
    async (user) => {
      useProviders(["primary", ["Sure"]]);
      await user.send("And now?");
      await user.seesAnswer("Sure", { busy: false });
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
    "a reload closes the connection, and clears the conversation",
    async (user) => {
      useProviders(["primary", ["One ", step.hang()]]);
      await user.send("Go on");
      await user.seesAnswer("One ", { busy: true });
      const call = callOf("primary");
      await user.page.reload();
      await call.closed;
      assertEquals(call.outcome, "aborted");
      useProviders(["primary", ["Welcome"]]);
      await user.send("Again");
      await user.seesAnswer("Welcome", { busy: false });
    },
  ],
  ["the page works with the keyboard, and outlines the focus", async (user) => {
    const { page } = user;
    const { keyboard } = page;
    await page.reload();
    const focusOrder: string[] = [];
    for (let tab = 0; tab < 5; tab++) {
      await keyboard.press("Tab");
      focusOrder.push(await user.focused());
      const outline = await page.locator(":focus").evaluate(inPage.outlineOf);
      assertEquals(outline, "solid", `no outline at ${focusOrder.at(-1)}`);
    }
    assertEquals(focusOrder, [
      "What are you?",
      "Why does a lighthouse have two lamps?",
      "fail",
      "prompt",
      "send",
    ]);
    await page.locator("#fail").focus();
    await keyboard.press("ArrowDown");
    assertEquals(await page.locator("#fail").inputValue(), "status");
    useProviders(["primary", ["One ", step.hang()]]);
    await keyboard.press("Tab");
    await keyboard.type("Two");
    await keyboard.press("Shift+Enter");
    await keyboard.type("lines");
    await keyboard.press("Enter");
    await user.seesAnswer("One ", { busy: true });
    assertEquals(await user.focused(), "prompt");
    await keyboard.press("Escape");
    await callOf("primary").closed;
    await user.seesNotice("Stopped.");
    assertEquals(await user.focused(), "prompt");
    const { messages } = callOf("primary").body as { messages: object[] };
    assertEquals(messages, [{ role: "user", content: "Two\nlines" }]);
  }],
  ["the page sends a suggested question on Enter", async (user) => {
    const { page } = user;
    await page.reload();
    useProviders(["primary", ["Me"]]);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await user.seesAnswer("Me", { busy: false });
    await page.getByRole("heading", { name: "What are you?" }).waitFor();
    assertEquals(await user.focused(), "prompt");
  }],
  [
    "the status for screen readers announces model and end, not every chunk",
    async (user) => {
      const { page } = user;
      await page.locator("#status").evaluate(inPage.recordAnnouncements);
      useProviders(["primary", [wire.status(529)]], ["backup", [
        "a ",
        "b ",
        "c ",
        "d",
      ]]);
      await user.send("Say it");
      await user.seesAnswer("a b c d", { busy: false });
      assertEquals(
        await page.evaluate(inPage.announcements),
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
    "controls have accessible names, and a waterfall is a list with text",
    async (user) => {
      const { page } = user;
      await page.getByRole("combobox", { name: "The first model" }).waitFor();
      await page.getByRole("textbox", { name: "Your message" }).waitFor();
      await page.getByRole("main", { name: "Conversation" }).waitFor();
      await page.getByRole("form", { name: "Ask" }).waitFor();
      const row = await page.getByRole("figure", {
        name: "What was tried for this answer",
      }).last().getByRole("listitem").first().innerText();
      assert(
        /^primary\s+failed\s+\d\.\d\d s\s+529, overloaded$/
          .test(row),
        row,
      );
    },
  ],
  ["the page has no animations with prefers-reduced-motion", async (user) => {
    await user.page.emulateMedia({ reducedMotion: "reduce" });
    useProviders(["primary", ["One ", step.hang()]]);
    await user.send("Calmly");
    await user.seesAnswer("One ", { busy: true });
    assertEquals(
      await user.page.evaluate(inPage.countAnimations),
      0,
    );
    await user.page.keyboard.press("Escape");
    await user.seesNotice("Stopped.");
  }],
  [
    "the page shows a notice when the server is unreachable or rejects the request",
    async (user) => {
      const { page } = user;
      useProviders(["primary", ["Yes"]]);
      await page.route("**/chat", (route) => route.abort());
      await user.send("Hello?");
      await user.seesNotice("The server cannot be reached.");
      await page.unroute("**/chat");
      await page.locator("#fail").evaluate(inPage.offerPrototype);
      await page.locator("#fail").selectOption("__proto__");
      await user.send("Hello?");
      await user.seesNotice(/^The server refused: fail must be one/);
      // The browser logs both requests.
      assertEquals(browserErrors.splice(0).map((text) => text.slice(0, 23)), [
        "Failed to load resource",
        "Failed to load resource",
      ]);
    },
  ],
  [
    "the page shows U+2028 and lone surrogates as text",
    async (user) => {
      await user.page.reload();
      useProviders(["primary", ["a\u2028b \ud83d", step.hang()]]);
      await user.send("Separators?");
      await user.page.getByText("a\u2028b").waitFor();
      await user.page.keyboard.press("Escape");
      await user.seesNotice("Stopped.");
      useProviders(["primary", ["Fine"]]);
      await user.send("And now?");
      await user.seesAnswer("Fine", { busy: false });
    },
  ],
  [
    "the page continues a long conversation, and one with an empty answer",
    async (user) => {
      await user.page.reload();
      useProviders(["primary", ["\n\n", step.hang()]]);
      await user.send("Empty");
      await user.seesAttempt("primary", "streaming");
      await user.page.keyboard.press("Escape");
      await user.seesNotice("Stopped.");
      useProviders(["primary", ["x".repeat(14 * 1024)]]);
      for (let round = 0; round < 6; round++) {
        await user.send(`Long ${round}`);
        await user.seesAnswer("x+", { busy: false });
      }
    },
  ],
  [
    "the page shows reasoning separately, and a notice for a tool call",
    async (user) => {
      await user.page.reload();
      useProviders(["primary", [
        { choices: [{ delta: { reasoning_content: "Hm …" } }] },
        { choices: [{ delta: { tool_calls: [{ index: 0, id: "1" }] } }] },
        wire.finish(),
      ]]);
      await user.send("Use a tool");
      await user.seesNotice("The model called a tool and wrote no text.");
      await user.page.locator(".thoughts", { hasText: "Hm …" }).waitFor();
    },
  ],
  ["the waterfall draws a stall after content as waiting", async (user) => {
    useProviders(["primary", ["One ", step.hang()]]);
    await user.send("Stall");
    const pause = user.page.locator(
      "article:last-child .bar.words + .bar.wait",
    );
    await pause.waitFor();
    await user.page.keyboard.press("Escape");
    await user.seesNotice("Stopped.");
    await pause.waitFor();
  }],
  ["the page shows a summary of each answer", async (user) => {
    useProviders(["primary", [wire.status(529)]], ["backup", ["Hi"]]);
    await user.send("Figures?");
    await user.page.getByText(
      /^answered by backup · first word after [\d.]+ s · [\d.]+ s in all · 2 attempts/,
    ).waitFor();
  }],
  [
    "the page spends no more time on the second half of a long answer",
    async (user) => {
      await user.page.reload();
      const session = await context.newCDPSession(user.page);
      await session.send("Performance.enable");
      const cost = async () => {
        const { metrics } = await session.send("Performance.getMetrics");
        return metrics.filter(({ name }) =>
          name === "LayoutDuration" || name === "ScriptDuration"
        ).reduce((sum, { value }) => sum + value, 0);
      };
      const half = Array.from({ length: CHUNKS / 2 }, (_, i) => [
        `text${i} `,
        step.wait(1000 / CHUNKS_PER_SECOND),
      ]).flat();
      useProviders(["primary", [...half, "Middle. ", ...half, "End."]]);
      const before = await cost();
      await user.send("Long");
      const answer = user.page.locator("article:last-child .answer");
      await answer.filter({ hasText: "Middle." }).waitFor();
      const middle = await cost();
      await answer.filter({ hasText: "End." }).waitFor();
      const end = await cost();
      const [first, second] = [middle - before, end - middle];
      // Below 50 ms the measurement is too noisy.
      assert(
        second <= Math.max(1.3 * first, 0.05),
        `${second} s after ${first} s`,
      );
    },
  ],
  [
    "the page does not scroll sideways, and all text has enough contrast in both color schemes",
    async (user) => {
      const { page } = user;
      await page.reload();
      const long =
        "model-with-a-name-that-is-longer-than-any-real-model-name-is";
      useProviders([long, [wire.status(503)]], ["backup", [
        "W".repeat(300),
        step.fail("gone"),
      ]]);
      await user.send("x".repeat(200));
      await user.seesAttempt("backup", "interrupted");
      useProviders(["primary", ["One ", step.hang()]]);
      await user.send("And");
      await user.seesAnswer("One ", { busy: true });
      await page.emulateMedia({ reducedMotion: "reduce" });
      for (const width of [320, 400, 768, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        const excess = await page.evaluate(inPage.excessWidth);
        assertEquals(excess, 0, `at ${width} px`);
      }
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        assertEquals(
          await page.evaluate(inPage.lowContrastTexts),
          [],
          colorScheme,
        );
      }
      await page.keyboard.press("Escape");
    },
  ],
  ["the page causes no browser error, and loads from no other origin", () => {
    assertEquals(browserErrors, []);
    assertEquals([...origins], [new URL(home).origin]);
    return Promise.resolve();
  }],
];

await using context = await browser.newContext();
context.setDefaultTimeout(TIMEOUT_MS);
context.on("console", (message) => browserErrors.push(message.text()));
context.on("weberror", (error) => browserErrors.push(`${error.error()}`));
context.on("request", (request) => origins.add(new URL(request.url()).origin));
const user = new User(await context.newPage());
await user.page.goto(home);

for (const [name, run] of steps) {
  let error: string | undefined;
  try {
    await deadline(run(user), TIMEOUT_MS);
  } catch (cause) {
    error = cause instanceof Error ? cause.stack : String(cause);
    // Start the next test with a new page.
    await user.page.goto(home);
  }
  console.log(JSON.stringify({ name, error }));
}
