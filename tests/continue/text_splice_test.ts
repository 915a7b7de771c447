// Joining two parts of a text (R20): nothing is lost or repeated, and nothing is
// delivered after a contradiction.

import { ContinuationError, TextSplice } from "@fallback/stream/continue";
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";

type Form = "prefill" | "ask";

/** Implements the rule on complete texts: the text to deliver, or a contradiction. */
function expected(
  delivered: string,
  next: string,
  as: Form,
): string | typeof ContinuationError {
  const start = delivered.trimStart();
  const restarted = next.trimStart();
  const mayRestart = start !== "" && (as === "ask" || delivered.length >= 32);
  if (mayRestart && restarted.startsWith(start)) {
    return restarted.slice(start.length);
  }
  for (let k = Math.min(delivered.length, next.length); k >= 32; k--) {
    const tail = delivered.slice(-k);
    const isOnce = delivered.indexOf(tail) === delivered.length - k;
    if (next.startsWith(tail) && isOnce) return next.slice(k);
  }
  let matched = 0;
  while (
    mayRestart && matched < start.length && restarted[matched] !== undefined &&
    restarted[matched] === start[matched]
  ) matched++;
  if (matched >= 32) return ContinuationError;
  const space = delivered.slice(delivered.trimEnd().length);
  let skipped = 0;
  while (skipped < space.length && next[skipped] === space[skipped]) skipped++;
  return next.slice(skipped);
}

/** The text that a splice delivers of these pieces. */
function splice(delivered: string, pieces: readonly string[], as: Form) {
  const subject = new TextSplice(delivered, { as });
  let text = "";
  for (const piece of pieces) text += subject.push(piece) ?? "";
  return text + (subject.end() ?? "");
}

function splitAt(text: string, at: readonly number[]): string[] {
  const offsets = at.map((part) => Math.floor(part * text.length));
  const sorted = [0, ...offsets.sort((a, b) => a - b), text.length];
  return sorted.slice(1).map((end, i) => text.slice(sorted[i]!, end));
}

// Few letters, so that repetitions are frequent. Without a size, hardly any text
// has 32 characters.
const letters = (maxLength: number, unit = ["a", "b", " ", "\n"]) =>
  fc.string({ unit: fc.constantFrom(...unit), maxLength, size: "max" });
const delivered = fc.oneof(
  letters(80),
  letters(80, ["a", "a", "a", "b"]),
  fc.string({ maxLength: 80, size: "max" }),
  fc.tuple(letters(8), fc.integer({ min: 1, max: 12 }))
    .map(([text, times]) => text.repeat(times)),
);

/** Texts that start again, repeat the end, contradict the text, or continue it. */
const scenario = delivered.chain((text) =>
  fc.record({
    delivered: fc.constant(text),
    next: fc.oneof(
      letters(90),
      fc.tuple(letters(3), letters(20)).map(([space, rest]) =>
        space + text.trimStart() + rest
      ),
      fc.tuple(fc.nat({ max: 80 }), letters(20)).map(([k, rest]) =>
        text.slice(-k) + rest
      ),
      fc.tuple(fc.nat({ max: 80 }), letters(20)).map(([k, rest]) =>
        text.slice(0, k) + rest
      ),
    ),
    as: fc.constantFrom<Form>("prefill", "ask"),
    at: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
  })
);

Deno.test("TextSplice delivers the text after the overlap, however the text is split (R20)", () => {
  const seen = { skipped: 0, contradicted: 0 };
  fc.assert(
    fc.property(scenario, ({ delivered, next, as, at }) => {
      const pieces = splitAt(next, at);
      const rule = expected(delivered, next, as);
      if (rule === ContinuationError) {
        seen.contradicted++;
        assertThrows(() => splice(delivered, pieces, as), ContinuationError);
        return;
      }
      if (rule.length < next.length) seen.skipped++;
      assertEquals(splice(delivered, pieces, as), rule);
    }),
    { numRuns: 5000 },
  );
  // Check that the scenarios cover all kinds.
  assertEquals(seen.skipped > 100 && seen.contradicted > 20, true);
});

Deno.test("TextSplice delivers nothing of a text that contradicts the delivered text (R20)", () => {
  fc.assert(
    fc.property(scenario, ({ delivered, next, as, at }) => {
      if (expected(delivered, next, as) !== ContinuationError) return;
      const subject = new TextSplice(delivered, { as });
      for (const piece of splitAt(next, at)) {
        try {
          assertEquals(subject.push(piece), undefined);
        } catch (error) {
          if (error instanceof ContinuationError) return;
          throw error;
        }
      }
    }),
    { numRuns: 2000 },
  );
});

/** 32 characters, the shortest repetition. */
const LETTERS = "abcdefghijklmnopqrstuvwxyz012345";

const deliveries: {
  readonly when: string;
  readonly delivered: string;
  readonly as?: Form;
  readonly pieces: readonly string[];
  /** What `push()` returns for each piece, and then `end()`. */
  readonly expected: readonly (string | undefined)[];
}[] = [
  {
    when: "as soon as it differs from the delivered text",
    delivered: "The quick brown fox jumps over the lazy dog ",
    pieces: ["The", " End", "", " of it."],
    expected: [undefined, "The End", undefined, " of it.", undefined],
  },
  {
    when: "at its end, if it is only a part of the delivered text",
    delivered: "abc",
    as: "ask",
    pieces: ["", "a", "b"],
    expected: [undefined, undefined, undefined, "ab"],
  },
  {
    when: "after all of the delivered text, if that was asked for",
    delivered: "\n\nabc",
    as: "ask",
    pieces: [" ", "a", "bc", "d"],
    expected: [undefined, undefined, undefined, "d", undefined],
  },
  {
    when: "after all of a prefill of 32 characters",
    delivered: LETTERS,
    pieces: [` ${LETTERS}`, "!"],
    expected: [undefined, "!", undefined],
  },
  {
    when: "at once after a prefill of 31 characters",
    delivered: LETTERS.slice(1),
    pieces: [LETTERS.slice(1), "!"],
    expected: [LETTERS.slice(1), "!", undefined],
  },
  {
    when: "after the last 32 characters of the delivered text",
    delivered: `!${LETTERS}`,
    pieces: ["a", LETTERS.slice(1, 31), LETTERS.slice(31), "!"],
    expected: [undefined, undefined, undefined, "!", undefined],
  },
  {
    when: "after the last 32 characters, where these begin with a repetition",
    delivered: `aaab${LETTERS}`,
    pieces: [`aab${LETTERS}!!!`],
    expected: ["!!!", undefined],
  },
  {
    when: "after the last 32 characters, where the text goes on repeating them",
    delivered: `baaaabab${"aab".repeat(10)}aa`,
    pieces: [`${"aab".repeat(11)}aa!!!!`],
    expected: ["baa!!!!", undefined],
  },
  {
    when: "after the last 32 characters, where those before them are similar",
    delivered: `acb${"ab".repeat(17)}`,
    pieces: [`${"ab".repeat(18)}!`],
    expected: ["ab!", undefined],
  },
  {
    when: "at once, if it can repeat only the last 31 characters",
    delivered: `!${LETTERS}`,
    pieces: ["b"],
    expected: ["b", undefined],
  },
  {
    when: "at once, if its second piece is in the delivered text only once",
    delivered: `!${LETTERS}`,
    pieces: ["ab", "ab"],
    expected: [undefined, "abab", undefined],
  },
  {
    when: "at once, if it differs after the first character",
    delivered: `  ${LETTERS}`,
    pieces: ["a", " "],
    expected: [undefined, "a ", undefined],
  },
  {
    when: "without the white space that the delivered text ends with",
    delivered: "a \n",
    pieces: [" ", "\n", "b"],
    expected: [undefined, undefined, "b", undefined],
  },
  {
    when: "at once, if it does not begin with that white space",
    delivered: "a \n",
    pieces: ["\n", "b"],
    expected: ["\n", "b", undefined],
  },
  {
    when: "with its white space, if only other white space was delivered",
    delivered: "\n",
    as: "ask",
    pieces: [" b"],
    expected: [" b", undefined],
  },
  {
    when:
      "with the first 31 characters of the delivered text, if it differs then",
    delivered: `${LETTERS}!`,
    pieces: [`${LETTERS.slice(0, 31)}?`],
    expected: [`${LETTERS.slice(0, 31)}?`, undefined],
  },
];

for (const { when, delivered, as, pieces, expected } of deliveries) {
  Deno.test(`TextSplice delivers text ${when}`, () => {
    const subject = new TextSplice(delivered, { as });
    const actual = pieces.map((piece) => subject.push(piece));
    assertEquals([...actual, subject.end()], expected);
  });
}

Deno.test("TextSplice throws ContinuationError for text that differs after 32 characters", () => {
  const subject = new TextSplice(`${LETTERS}!`);
  const error = assertThrows(
    () => subject.push(`${LETTERS}?`),
    ContinuationError,
  );
  assertEquals([error.name, error.matched, error.message], [
    "ContinuationError",
    32,
    "The next model repeated 32 characters of the answer and then contradicted it",
  ]);
});

// Each takes milliseconds in linear time, and minutes in quadratic time.
const long: Record<string, [delivered: string, next: string, piece: number]> = {
  "of one repeated character": [
    "a".repeat(200_000),
    "a".repeat(100_000) + "b",
    1,
  ],
  "that repeats the delivered text": [
    "abc ".repeat(500_000) + "!",
    "abc ".repeat(500_000) + "?",
    4,
  ],
  "that repeats its end": [
    "!" + "abc ".repeat(500_000),
    "abc ".repeat(400_000) + "?",
    4,
  ],
};

for (const [name, [delivered, next, size]] of Object.entries(long)) {
  Deno.test(`TextSplice takes linear time for a long text ${name}, in pieces`, () => {
    const subject = new TextSplice(delivered);
    for (let at = 0; at < next.length - 1; at += size) {
      assertEquals(subject.push(next.slice(at, at + size)), undefined);
    }
    const end = () => subject.push(next.at(-1)!);
    if (delivered.startsWith(next.slice(0, -1))) {
      assertThrows(end, ContinuationError);
    } else assertEquals(end(), next);
  });
}

Deno.test("TextSplice throws TypeError for arguments of the wrong type", () => {
  const cases: [unknown, unknown, string][] = [
    [1, {}, "'delivered' must be a string: current value is 1"],
    ["", 1, "'options' must be an object: current value is 1"],
    [
      "",
      { a: "ask" },
      "'options.a' is not an option: known options are 'as'",
    ],
    [
      "",
      { as: "both" },
      '\'options.as\' must be "prefill" or "ask": current value is "both"',
    ],
  ];
  for (const [delivered, options, message] of cases) {
    const create = () => new TextSplice(delivered as never, options as never);
    assertEquals(assertThrows(create, TypeError).message, message);
  }
});
