import { assertEquals } from "@std/assert";
import {
  describeValue,
  errorText,
  oneLine,
} from "../../src/_shared/error_text.ts";
import { test } from "../_test_without_permissions.ts";

test("errorText() names three causes at most, and none twice", () => {
  let error = new Error("e5");
  for (let i = 4; i >= 0; i--) error = new Error(`e${i}`, { cause: error });
  assertEquals(errorText(error), "e0: e1: e2: e3");
  const twice = new Error("fetch: refused", { cause: new Error("refused") });
  assertEquals(errorText(twice), "fetch: refused");
});

test("describeValue() shows a value in a few words", () => {
  const values: [unknown, string][] = [
    ["a\nb", '"a\\nb"'],
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
    [{ constructor: { name: "L".repeat(61) } }, `a ${"L".repeat(59)}…`],
  ];
  for (const [value, text] of values) assertEquals(describeValue(value), text);
});

test("oneLine() replaces white space and control characters, and cuts what is too long", () => {
  assertEquals(oneLine(" a\r\n\u001bb  "), "a b");
  assertEquals(oneLine("abcd", 4), "abcd");
  assertEquals(oneLine("abcde", 4), "abc…");
});
