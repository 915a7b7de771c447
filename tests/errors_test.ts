import { CircuitOpenError } from "@fallback/stream";
import { virtualTime } from "@fallback/stream/testing";
import { delay } from "@std/async/delay";
import { assertEquals, assertInstanceOf } from "@std/assert";
import { test } from "./_pure.ts";

test("CircuitOpenError names the model and how long its circuit stays open (R21)", () =>
  virtualTime(async () => {
    await delay(1000);
    const error = new CircuitOpenError("gpt", 31_000);
    await delay(500);
    assertInstanceOf(error, Error);
    assertEquals(
      [error.name, error.model, error.retryAt, error.message],
      [
        "CircuitOpenError",
        "gpt",
        31_000,
        'Circuit of "gpt" is open for another 30000 ms (health)',
      ],
    );
    const past = new CircuitOpenError("gpt", 1);
    assertEquals(
      past.message,
      'Circuit of "gpt" is open for another 0 ms (health)',
    );
  }));
