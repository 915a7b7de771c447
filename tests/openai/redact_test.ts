// How secrets are found in texts.

import { assertEquals } from "@std/assert";
import { Redactor } from "../../src/openai/_redact.ts";
import { toPlainText } from "../../src/openai/_spellings.ts";

/** Characters by their names in HTML. */
const HTML_NAMES: Record<string, string> = {
  ...{ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", sol: "/", plus: "+" },
  ...{ equals: "=", lowbar: "_", hyphen: "-", dash: "-", period: "." },
  ...{ colon: ":", COLON: ":" },
};

/** Texts in which one secret is looked for, and what is shown of them. */
const SHOWN: Record<string, [text: string, shown: string][]> = {
  "abc": [["abc", "abc"]],
  "abcd": [["abcd, abcdabcd.", "***, ******."]],
  " ab\ncd ": [["a bc d", "***"], ["ab\\nc\\td", "***"]],
  // What is left of an escape must not begin another one with the key.
  "5f3a9c0d1e2b": [
    ["100%\\t5f3a9c0d1e2b", "100%\\t***"],
    ["100%\\b5f3a9c0d1e2b", "100%\\b***"],
    ["100%\\f5f3a9c0d1e2b", "100%\\f***"],
  ],
  "abcdefg": [["abcdefg ABCDEFG", "*** ABCDEFG"]],
  "aBcdefgh": [["AbCDEFGH İ aBcdefgh", "*** İ ***"]],
  "Aİcdefgh": [["aİCDEFGH", "***"]],
  "schlüssel": [["(schlÃ¼ssel)", "(***)"]],
  "jklmn": [["6a6b6c6d6e amtsbW4=", "6a6b6c6d6e amtsbW4="]],
  "jklmno": [["(6a6B6C6d6e6F)(amtsbW5v)(AMTSBW5V)", "(***)(***)(AMTSBW5V)"]],
  "abcdefghijklm": [
    ["the abcdefghijklm", "the ***"],
    ["the abcdefghijkl", "the ***"],
    ["the abcdefgh", "the ***"],
    ["the abcdefg", "the abcdefg"],
    ["the bcdefghijk", "the bcdefghijk"],
    ["the abcdefgh.", "the abcdefgh."],
    ["the abcdefgh%6", "the ***"],
    ["the abcdefgh\\u00", "the ***"],
    [`abcdefgh${"%".repeat(64)}`, "***"],
    [`abcdefgh${"%".repeat(65)}`, `abcdefgh${"%".repeat(65)}`],
  ],
  // In base64, the key after 0 to 2 characters, and before 0 or 3.
  "~~~???+/key1": [
    ["key(fn5+Pz8/Ky9rZXkx)", "key(***)"],
    ["key(fn5+Pz8/Ky9rZXkxISEh)", "key(***SEh)"],
    ["key(YX5+fj8/Pysva2V5MQ==)", "key(Y***)"],
    ["key(YX5+fj8/Pysva2V5MSEhIQ==)", "key(Y***EhIQ==)"],
    ["key(YWJ+fn4/Pz8rL2tleTE=)", "key(YW***)"],
    ["key(YWJ+fn4/Pz8rL2tleTEhISE=)", "key(YW***hISE=)"],
    ["key(YWJ-fn4_Pz8rL2tleTEhISE)", "key(YW***hISE)"],
  ],
};

Deno.test("toPlainText() replaces an escape by what it means, and knows its place", () => {
  const spellings = [
    ..."\\u{3d} \\u{00003D} \\u003d \\x3D %u003d %3D &#x3d; &#x3d &#61; &#61 \\= \\075"
      .split(" ").map((each) => [each, "="]),
    ...Object.entries(HTML_NAMES).map(([name, char]) => [`&${name};`, char]),
    ...Array.from("nrtbf ", (char) => [`\\${char}`, ""]),
    ...[" ", "\n", "\u200b", "\0", "😀", "\\u{1f600}", "\\u{10ffff}"]
      .map((each) => [each, ""]),
  ] as [spelling: string, meaning: string][];
  for (const [spelling, meaning] of spellings) {
    const end = 2 + spelling.length;
    assertEquals(toPlainText(`yz${spelling}z`), {
      text: `yz${meaning}z`,
      starts: [0, 1, ...(meaning ? [2] : []), end],
      ends: [1, 2, ...(meaning ? [end] : []), end + 1],
    }, spelling);
  }
  const text = "\\u{110000}&#9999999;&copy;%zz";
  assertEquals(toPlainText(text).text, text);
});

Deno.test("toPlainText() removes up to five escapes of an escape", () => {
  let spelling = "=";
  for (let depth = 0; depth < 5; depth++) {
    spelling = encodeURIComponent(spelling);
  }
  assertEquals(toPlainText(spelling).text, "=");
  assertEquals(toPlainText(encodeURIComponent(spelling)).text, "%3D");
});

Deno.test("toPlainText() removes the names of fields at the beginning of lines", () => {
  const text = "data: a\rerror:b\nmessage: c\\ndata: d\\rdata: e data: f";
  assertEquals(toPlainText(text), {
    text: "abcdedata:f",
    starts: [6, 14, 25, 34, 43, ...[45, 46, 47, 48, 49], 51],
    ends: [7, 15, 26, 35, 44, ...[46, 47, 48, 49, 50], 52],
  });
});

for (const [secret, texts] of Object.entries(SHOWN)) {
  Deno.test(`Redactor finds ${JSON.stringify(secret)}`, () => {
    for (const [text, shown] of texts) {
      assertEquals(new Redactor([secret]).text(text), shown);
    }
  });
}

Deno.test("Redactor finds several secrets, whatever their order, also where they overlap", () => {
  const secrets = ["abcdefgh", "cdef", "ghij", "first"];
  for (const each of [secrets, secrets.toReversed()]) {
    const shown = new Redactor(each).text("first.abcdefgh.cdef.abcdefghij.");
    assertEquals(shown, "***.***.***.***.");
  }
  assertEquals(new Redactor([]).text("a b"), "a b");
});

Deno.test("Redactor removes secrets from the names and values of JSON, and what is too deep or long", () => {
  const redactor = new Redactor(["12345678"]);
  const value = { "a 12345678": ["12345678", 12345678, 17, true, null] };
  assertEquals(redactor.deep(value), {
    "a ***": ["***", "***", 17, true, null],
  });

  const long = "x".repeat(64 * 1024);
  assertEquals(redactor.deep([long, `${long}x`]), [long, long]);
  for (const wrap of [(a: unknown) => [a], (a: unknown) => ({ a })]) {
    const nest = (a: unknown, depth: number): unknown =>
      depth === 0 ? a : nest(wrap(a), depth - 1);
    assertEquals(redactor.deep(nest({}, 31)), nest({}, 31));
    assertEquals(redactor.deep(nest({}, 32)), nest("…", 32));
  }
});

Deno.test("Redactor changes a body only where it has a secret", () => {
  const redactor = new Redactor(["12345678"]);
  const bodies: [body: string, shown: string][] = [
    ['{ "a": "12345678" }', '{ "a": "***" }'],
    ['{ "a": 1.2345678e7 }', '{"a":"***"}'],
    ['{ "a": 1 }', '{ "a": 1 }'],
    ["null", "null"],
    ["12345678?", "***?"],
  ];
  for (const [body, shown] of bodies) assertEquals(redactor.body(body), shown);
});
