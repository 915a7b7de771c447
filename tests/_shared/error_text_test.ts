import { TruncatedStreamError } from "@fallback/stream";
import { assertEquals } from "@std/assert";
import {
  describeValue,
  errorText,
  messageOf,
  nameAndMessage,
  oneLine,
} from "../../src/_shared/error_text.ts";
import { test } from "../_test_without_permissions.ts";

test("errorText() names three causes at most, and none twice", () => {
  let error = new Error("e5");
  for (let i = 4; i >= 0; i--) error = new Error(`e${i}`, { cause: error });
  assertEquals(errorText(error), "e0: e1: e2: e3");
  const twice = new Error("fetch: refused", { cause: new Error("refused") });
  assertEquals(errorText(twice), "fetch: refused");
  const hidden = new Proxy(new Error("b"), {
    getPrototypeOf() {
      throw new Error("no");
    },
  });
  for (const cause of ["b", hidden]) {
    assertEquals(errorText(new Error("a", { cause })), "a");
  }
});

test("messageOf() is the message of an error, or the value as text", () => {
  const values: [unknown, string][] = [
    [{ message: "a" }, "a"],
    [new TypeError(""), "TypeError"],
    [{ message: 1 }, "[object Object]"],
    [undefined, "undefined"],
    [Object.create(null), "object"],
  ];
  for (const [value, text] of values) assertEquals(messageOf(value), text);
});

test("nameAndMessage() shows the name of an error, except of our own", () => {
  const cause = new Error("b");
  const values: [unknown, string][] = [
    [new TypeError("a", { cause }), "TypeError: a: b"],
    [new TruncatedStreamError("m"), new TruncatedStreamError("m").message],
    [{ name: "a", message: "b" }, "b"],
    [Object.assign(new Error("a"), { name: 1 }), "a"],
    [new Error("x".repeat(193)), `Error: ${"x".repeat(193)}`],
    [new Error("x".repeat(194)), `Error: ${"x".repeat(192)}…`],
  ];
  for (const [value, text] of values) assertEquals(nameAndMessage(value), text);
  assertEquals(nameAndMessage(new Error("abc"), 9), "Error: a…");
});

test("describeValue() shows a value in a few words", () => {
  const values: [unknown, string][] = [
    ["a\nb", '"a\\nb"'],
    ["x".repeat(78), `"${"x".repeat(78)}"`],
    ["x".repeat(79), `"${"x".repeat(78)}…`],
    [10n ** 79n, `1${"0".repeat(79)}`],
    [10n ** 80n, `1${"0".repeat(78)}…`],
    [["x".repeat(76)], `["${"x".repeat(76)}"]`],
    [["x".repeat(77)], `["${"x".repeat(77)}…`],
    [[5n], "object"],
    [-0, "-0"],
    [5n, "5"],
    [null, "null"],
    [undefined, "undefined"],
    [[1], "[1]"],
    [{ a: 1 }, '{"a":1}'],
    [(() => () => {})(), "a function"],
    [describeValue, "function describeValue"],
    [new Map(), "a Map"],
    [new Error("no"), "an Error"],
    [Object.create(null), "{}"],
    [{ constructor: { name: "L".repeat(60) } }, `a ${"L".repeat(60)}`],
    [{ constructor: { name: "L".repeat(61) } }, `a ${"L".repeat(59)}…`],
  ];
  for (const [value, text] of values) assertEquals(describeValue(value), text);
});

test("oneLine() replaces white space and control characters, and cuts what is too long", () => {
  assertEquals(oneLine(" a\r\n\u001bb  "), "a b");
  assertEquals(oneLine("abcd", 4), "abcd");
  assertEquals(oneLine("abcde", 4), "abc…");
  assertEquals(oneLine("a😀b", 3), "a\ufffd…");
  assertEquals(oneLine("x".repeat(200)), "x".repeat(200));
  assertEquals(oneLine("x".repeat(201)), `${"x".repeat(199)}…`);
});
