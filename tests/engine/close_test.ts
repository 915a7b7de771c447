import { assertEquals } from "@std/assert";
import { withoutErrors } from "../../src/engine/close.ts";
import { test } from "../_test_without_permissions.ts";

const expected = new Error("expected");
const isExpected = (error: unknown) => error === expected;

/** Suppressed errors within each other, each with `expected` on the other side. */
function nest(depth: number, side: "error" | "suppressed"): unknown {
  let error: unknown = expected;
  for (let i = 0; i < depth; i++) {
    error = side === "error"
      ? new SuppressedError(error, expected)
      : new SuppressedError(expected, error);
  }
  return error;
}

test("withoutErrors() looks at 64 SuppressedErrors, on both sides (R11)", () => {
  for (const side of ["error", "suppressed"] as const) {
    assertEquals(withoutErrors(nest(64, side), isExpected), undefined, side);
    assertEquals(withoutErrors(nest(65, side), isExpected) !== undefined, true);
  }
});

test("withoutErrors() ends for a SuppressedError that contains itself on both sides (R11)", () => {
  const error = new SuppressedError(1, 2);
  Object.assign(error, { error, suppressed: error });
  let looks = 0;
  withoutErrors(error, () => {
    looks++;
    return false;
  });
  assertEquals(looks < 200, true, `${looks} looks`);
});
