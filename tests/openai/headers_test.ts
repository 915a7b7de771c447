import { assertEquals } from "@std/assert";
import {
  copyHeaders,
  hideValues,
  secretsIn,
} from "../../src/openai/_headers.ts";

Deno.test("secretsIn() returns the values of headers that are secret", () => {
  const cases: [headers: Record<string, string>, secrets: string[]][] = [
    [{ "x-team": "red" }, []],
    [{ authorization: "Bearer abc" }, ["abc"]],
    [{ "x-goog-api-key": "abc", "x-team": "red" }, ["abc"]],
    [{ cookie: "a=b; session=c=d" }, ["session=c=d", "b", "c=d"]],
    [
      { authorization: `Basic ${btoa("user:pass:word")}` },
      [btoa("user:pass:word"), "user:pass:word", "pass:word"],
    ],
    [{ authorization: "basic %" }, ["%"]],
    [{ authorization: "Token dTpw" }, ["dTpw"]],
    [{ "x-pass": "abc", "bypass": "true", "x-pwd": "d" }, ["abc", "d"]],
    [
      { authorization: 'AWS4 Credential=AK/1, SignedHeaders=a, Signature="b"' },
      ['Credential=AK/1, SignedHeaders=a, Signature="b"', "AK/1", "b"],
    ],
  ];
  for (const [headers, secrets] of cases) {
    assertEquals(secretsIn(new Headers(headers)), secrets);
  }
});

Deno.test("secretsIn() returns what hideValues() has marked, also in a copy", () => {
  const headers = new Headers({ "x-team": "red", "x-token": "abc" });
  hideValues(headers, ["red"]);

  const copy = copyHeaders(headers);

  assertEquals(secretsIn(headers), ["red", "abc"]);
  assertEquals(secretsIn(copy), ["red", "abc"]);
  assertEquals(secretsIn(copyHeaders({ "x-team": "red" })), []);
});
