/**
 * The rules as cases, so that any implementation can be measured with the same
 * ruler.
 *
 * @module
 */

import { cancellation } from "./cancellation.ts";
import { clocks } from "./timeouts.ts";
import { closing } from "./closing.ts";
import { flow } from "./flow.ts";
import { continuing } from "./continuing.ts";
import { health } from "./health.ts";
import { hedging } from "./hedging.ts";
import { nesting } from "./nesting_and_arguments.ts";
import { order } from "./order.ts";
import { retry } from "./retry.ts";
import { mappingUsageAndTimes } from "./mapping_usage_times.ts";
import { userCode } from "./user_code.ts";
import { type ContractCase, type Subject, toCases } from "./_context.ts";

export type { ContractCase, Subject };

/**
 * The promises of this module, each as a case that runs in virtual time and
 * without any permission, for every kind of source.
 *
 * @param subject The implementation.
 * @returns The cases, in the order of the rules.
 *
 * @example Measure an implementation
 * ```ts
 * import { fallbackModel, fallbackStream } from "@fallback/stream";
 * import { contract } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const broken: string[] = [];
 * for (const { name, run } of contract({ fallbackModel, fallbackStream })) {
 *   await run().catch(() => broken.push(name));
 * }
 * assertEquals(broken, []);
 * ```
 */
export function contract(subject: Subject): readonly ContractCase[] {
  const { continueStream } = subject;
  return [
    order,
    cancellation,
    closing,
    flow,
    clocks,
    retry,
    hedging,
    continueStream ? continuing({ continueStream }) : [],
    health,
    nesting,
    userCode,
    mappingUsageAndTimes,
  ].flat().flatMap((rule) => toCases(subject, rule));
}
