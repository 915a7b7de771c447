// Conditions on errors: the options `fallbackOn`, `retry.isRetriable` and
// `isFailure`.

import { assertArgument, parseList } from "../_shared/arguments.ts";
import { refusePromise } from "../_shared/ignore_errors.ts";
import { getProperty, isInstance } from "../_shared/safe_access.ts";
import type { ErrorClass, ErrorTest } from "../types/options.ts";

/** Checks and copies a condition: one test, or a list of them. */
export function parseConditions<Args extends readonly unknown[], Answer>(
  name: string,
  value: ErrorTest<Args, Answer> | readonly ErrorTest<Args, Answer>[],
): ErrorTest<Args, Answer>[] {
  const tests = parseList<ErrorTest<Args, Answer>>(name, value);
  for (const test of tests) {
    assertArgument(
      typeof test === "function" && (isErrorClass(test) || !isClass(test)),
      name,
      typeof test === "number"
        ? `be an error class or a predicate, such as hasStatus(${test})`
        : "be an error class or a predicate, or a list of them",
      test,
    );
  }
  return tests;
}

/** `Error`, or a class that extends it. */
export function isErrorClass(test: unknown): test is ErrorClass {
  return test === Error ||
    isInstance(getProperty(test, "prototype"), Error);
}

/** A class cannot be called, so it would throw at the first failure. */
function isClass(test: unknown): boolean {
  return /^class\b/.test(Function.prototype.toString.call(test));
}

/**
 * Whether one of the tests accepts the error. Predicates are called in order,
 * as methods of the options.
 *
 * @throws {TypeError} If a predicate returns a promise.
 */
export function matches<Args extends readonly unknown[]>(
  name: string,
  tests: readonly ErrorTest<Args>[],
  options: object,
  error: unknown,
  ...args: Args
): boolean {
  return tests.some((test) => {
    if (isErrorClass(test)) return isInstance(error, test);
    const answer: unknown = test.call(options, error, ...args);
    refusePromise(name, answer);
    return Boolean(answer);
  });
}
