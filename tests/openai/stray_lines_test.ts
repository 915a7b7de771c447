import { assertEquals } from "@std/assert";
import {
  isAnswer,
  MAX_ERROR_LENGTH,
  StrayLines,
} from "../../src/openai/_stray_lines.ts";

const stateOf = ({ text, length, isAnswer }: StrayLines) => ({
  text,
  length,
  isAnswer,
});
const EMPTY = { text: "", length: 0, isAnswer: false };

Deno.test("isAnswer() is true for a text that begins as JSON or a page", () => {
  for (const text of ["{", "[1]", "<p>", " \t\r\n{}"]) {
    assertEquals(isAnswer(text), true, text);
  }
  for (const text of ["", "  ", "a{", "\u00a0{", "17"]) {
    assertEquals(isAnswer(text), false, text);
  }
});

Deno.test("StrayLines joins the lines until it is cleared", () => {
  const lines = new StrayLines();
  assertEquals(stateOf(lines), EMPTY);
  assertEquals(lines.start, "");
  for (const first of ["{", "text"]) {
    lines.add(first);
    lines.add("[");
    assertEquals(lines.start, first);
    const text = `${first}\n[`;
    const length = text.length + 1;
    assertEquals(stateOf(lines), { text, length, isAnswer: first === "{" });
    lines.clear();
    assertEquals(stateOf(lines), EMPTY);
  }
});

Deno.test("StrayLines.isWorthParsing is true whenever an answer has doubled", () => {
  const lines = new StrayLines();
  lines.add("text");
  assertEquals(lines.isWorthParsing, false);
  lines.clear();
  lines.add("[234");
  assertEquals(lines.isWorthParsing, true);
  assertEquals(lines.text.length, 4);
  const worth = [6, 7, 8, 9, 10, 11].map(() => {
    lines.add("");
    return lines.isWorthParsing;
  });
  assertEquals(worth, [false, false, false, false, true, true]);
});

Deno.test("StrayLines drops further lines of a text above 64 KiB, but not of JSON", () => {
  assertEquals(MAX_ERROR_LENGTH, 65_536);
  for (const [start, kept] of [["x", 65_538], ["{", 65_540]] as const) {
    const lines = new StrayLines();
    lines.add(start.padEnd(65_535));
    lines.add("y");
    lines.add("z");
    assertEquals(lines.length, kept);
  }
});
