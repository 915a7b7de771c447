import {
  type Admission,
  type Attempt,
  attemptsOf,
  fallbackModel,
  fallbackStream,
  formatAttempts,
  usageOf,
} from "@fallback/stream";
import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
import {
  assertEquals,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { test } from "./_test_without_permissions.ts";

const ATTEMPT: Attempt = {
  model: "m",
  modelIndex: 0,
  number: 1,
  startedAt: 0,
  outcome: "completed",
  chunks: 0,
};

test("formatAttempts() draws attempts to scale, with their outcomes and errors", () =>
  virtualTime(async () => {
    const overloaded = Object.assign(new Error("529 overloaded_error"), {
      name: "HttpError",
    });
    const answer = [
      step.wait(310),
      ...Array.from({ length: 22 }, () => [step.wait(40), "x"]).flat(),
    ];
    const models = [
      fakeModel("gpt-4o", [step.wait(300), step.fail(overloaded)]),
      fakeModel("claude", [step.hang()], {
        stackScript: [step.fail(new Error("reset"))],
      }),
      fallbackModel([fakeModel("llama", answer)]),
    ];
    const stream = await fallbackStream(models, "hi", {
      timeouts: { firstContentMs: 1500 },
    });
    await Array.fromAsync(stream);
    assertEquals(
      formatAttempts(stream.attempts).split("\n"),
      [
        "gpt-4o         ░░░                            failed      HttpError: 529 overloaded_error",
        'claude            ░░░░░░░░░░░░░░░             failed      Model "claude" sent no content within 1500 ms (timeouts.firstContentMs), closing: Error: reset',
        "fallback:llama                   ░░░█████████ completed   22 chunks, first content after 350 ms",
        "  llama                          ░░░█████████ completed   22 chunks, first content after 350 ms",
      ],
    );
  }));

test("formatAttempts() shows attempts that are still running up to now", () =>
  virtualTime(async () => {
    await using stream = await fallbackStream(
      [fakeModel("a", [step.wait(10), "a0", step.wait(20), "a1", step.hang()])],
      "hi",
    );
    await stream.next();
    await stream.next();
    assertEquals(
      formatAttempts(stream.attempts),
      "a ░░░░░░░░░░████████████████████ streaming   2 chunks, first content after 10 ms",
    );
  }));

test("formatAttempts() and usageOf() throw a TypeError for anything but an array", () => {
  for (const read of [formatAttempts, usageOf]) {
    assertThrows(
      () => read(new Error("all failed") as never),
      TypeError,
      "'attempts' must be an array, such as 'stream.attempts' or the result of attemptsOf(error)",
    );
  }
});

test("formatAttempts() returns an empty string for no attempts", () => {
  assertEquals(formatAttempts([]), "");
});

test("formatAttempts() keeps names and errors on one line, and limits their length", async () => {
  const name = "two\nlines\u001b[31m";
  const html = `<html>\r\n\u0007${"x".repeat(5000)}`;
  const models = [html, Object.create(null), Symbol("s"), undefined].map((e) =>
    fakeModel(name, [step.fail(typeof e === "string" ? new Error(e) : e)])
  );
  const error = await assertRejects(() => fallbackStream(models, "hi"));
  const lines = formatAttempts(attemptsOf(error)).split("\n");
  assertEquals(lines.length, models.length);
  for (const line of lines) {
    assertLess(line.length, 300);
    assertEquals(/\p{C}/u.test(line), false);
  }
});

test("formatAttempts() draws a bar for every attempt, however short", () => {
  const draw = (...times: [start: number, end: number, content?: number][]) =>
    formatAttempts(times.map(([startedAt, endedAt, firstContentAt]) => ({
      ...ATTEMPT,
      startedAt,
      endedAt,
      ...(firstContentAt !== undefined && { firstContentAt }),
    }))).split("\n").map((line) => line.slice(2, 32).trimEnd());
  const bar = "░".repeat(30);
  assertEquals(
    draw([7, 7], [7, 1007], [1007, 1007], [7, 57], [7, 1007, 1007]),
    ["░", bar, `${" ".repeat(29)}░`, "░", `${bar.slice(1)}█`],
  );
  assertEquals(draw([7, 8]), [bar]);
  assertEquals(draw([7, 7, 7]), ["█"]);
});

test("formatAttempts() draws no bar for a skipped model, and shows how long its circuit is open", () =>
  virtualTime(async () => {
    const health = {
      admit: (model: string): Admission =>
        model === "gpt" ? { admit: false, retryAt: 30_000 } : { admit: true },
      report: () => {},
    };
    const models = [
      fakeModel("gpt", ["no"]),
      fakeModel("llama", [step.wait(100), "a", step.wait(200), "b"]),
    ];
    const stream = await fallbackStream(models, "hi", { health });
    await Array.fromAsync(stream);
    assertEquals(formatAttempts(stream.attempts).split("\n"), [
      'gpt                                  skipped     Circuit of "gpt" is open for another 30000 ms (health)',
      "llama ░░░░░░░░░░████████████████████ completed   2 chunks, first content after 100 ms",
    ]);
  }));

test("formatAttempts() lists what is known of an attempt", () => {
  const shown = (attempt: Partial<Attempt>) =>
    formatAttempts([{ ...ATTEMPT, endedAt: 10, ...attempt }]).slice(45);
  assertEquals(shown({}), "");
  assertEquals(shown({ chunks: 1 }), "1 chunk");
  assertEquals(shown({ chunks: 2 }), "2 chunks");
  assertEquals(
    shown({ startedAt: 1, firstContentAt: 6 }),
    "0 chunks, first content after 5 ms",
  );
  assertEquals(shown({ usage: { inputTokens: 0 } }), "0 input tokens");
  assertEquals(
    shown({
      firstContentAt: 5,
      chunks: 2,
      usage: { inputTokens: 3, outputTokens: 4 },
      finishReason: "x".repeat(41),
      error: new Error("x".repeat(114)),
      closeError: new Error("x".repeat(114)),
    }).split(", "),
    [
      "2 chunks",
      "first content after 5 ms",
      "3 input tokens",
      "4 output tokens",
      `finish_reason "${"x".repeat(39)}…"`,
      `Error: ${"x".repeat(112)}…`,
      `closing: Error: ${"x".repeat(112)}…`,
    ],
  );
  assertEquals(
    formatAttempts([{ ...ATTEMPT, model: "x".repeat(121) }]).split(" ")[0],
    `${"x".repeat(119)}…`,
  );
});
