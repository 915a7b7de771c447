import { hedgeBudget } from "@fallback/stream";
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "./_test_without_permissions.ts";

/** The number of hedges that a budget admits until it is empty. */
function drain(budget: ReturnType<typeof hedgeBudget>): number {
  let taken = 0;
  while (budget.take()) taken++;
  return taken;
}

test("hedgeBudget() starts full, adds its ratio per call, and holds at most its burst (R19)", () => {
  const budget = hedgeBudget({ ratio: 0.05, burst: 3 });
  assertEquals(drain(budget), 3);
  for (let call = 1; call <= 200; call++) {
    budget.earn();
    assertEquals(budget.take(), call % 20 === 0, `after ${call} calls`);
  }
  for (let call = 0; call < 1000; call++) budget.earn();
  assertEquals(drain(budget), 3);
  assertEquals(drain(hedgeBudget({ ratio: 0 })), 10);
});

test("hedgeBudget() admits a hedge after ten tenths, although their sum is below 1 (R19)", () => {
  const budget = hedgeBudget({ ratio: 0.1, burst: 1 });
  drain(budget);
  for (let call = 1; call <= 10; call++) {
    budget.earn();
    assertEquals(budget.take(), call === 10, `after ${call} calls`);
  }
});

test("hedgeBudget() throws for numbers out of range and unknown options", () => {
  for (const ratio of [-0.1, 1.1, NaN, Infinity]) {
    assertThrows(() => hedgeBudget({ ratio }), RangeError, `'options.ratio'`);
  }
  for (const burst of [0, -1, NaN, Infinity]) {
    assertThrows(
      () => hedgeBudget({ ratio: 1, burst }),
      RangeError,
      `${burst}`,
    );
  }
  const text = { ratio: "0.1" as unknown as number };
  assertThrows(() => hedgeBudget(text), TypeError, "0.1");
  const misspelt = { ratio: 0.1, bursts: 3 };
  assertThrows(() => hedgeBudget(misspelt), TypeError, "'options.bursts'");
});
