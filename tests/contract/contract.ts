/**
 * The rules as cases, so that any implementation can be measured with the same
 * ruler.
 *
 * @module
 */

import { cancellation } from "./_cancellation.ts";
import { clocks } from "./_clocks.ts";
import { closing } from "./_closing.ts";
import { flow } from "./_flow.ts";
import { continuing } from "./_continue.ts";
import { health } from "./_health.ts";
import { hedging } from "./_hedge.ts";
import { nesting } from "./_nesting.ts";
import { order } from "./_order.ts";
import { retry } from "./_retry.ts";
import { mappingUsageAndTimes } from "./_mapping.ts";
import { userCode } from "./_user_code.ts";
import { cast, type ContractCase, type Subject } from "./_context.ts";

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
  ].flat().flatMap((promised) => cast(subject, promised));
}
