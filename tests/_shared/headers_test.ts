import { assertEquals, assertThrows } from "@std/assert";
import { parseHeaders } from "../../src/_shared/headers.ts";
import { test } from "../_test_without_permissions.ts";

test("parseHeaders() throws TypeError with the name of a header that cannot be sent", () => {
  const characters = "has characters that a header cannot carry";
  const cases: [headers: unknown, problem: string][] = [
    ["h", "current value is of type string"],
    [null, "current value is of type object"],
    [[["a"]], "current value is of type object"],
    [{ a: "b", c: "d\r\ne: f" }, `the value of 'c' ${characters}`],
    [{ a: "☃" }, `the value of 'a' ${characters}`],
    [{ a: undefined }, "the value of 'a' is undefined"],
    [{ a: null }, "the value of 'a' is null"],
    [{ "sk-1 ": "authorization" }, `a name ${characters}`],
  ];
  for (const [headers, problem] of cases) {
    const { message } = assertThrows(() => parseHeaders(headers), TypeError);
    assertEquals(
      message,
      `'options.headers' must be header names with values: ${problem}`,
    );
  }
});

test("parseHeaders() copies headers of every form, and reads an iterator once", () => {
  const pairs: [string, string][] = [["x-team", "red"]];
  const forms = [
    pairs,
    { "x-team": "red" },
    new Headers(pairs),
    new Map(pairs),
    new Map(pairs).entries(),
  ];
  for (const form of forms) assertEquals([...parseHeaders(form)], pairs);
  assertEquals([...parseHeaders(undefined)], []);
});
