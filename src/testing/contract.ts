/**
 * The rules as cases, so that any implementation can be measured with the same
 * ruler.
 *
 * @module
 */

import { cancellation } from "./contract/_cancellation.ts";
import { clocks } from "./contract/_clocks.ts";
import { closing } from "./contract/_closing.ts";
import { flow } from "./contract/_flow.ts";
import { continuing } from "./contract/_continue.ts";
import { health } from "./contract/_health.ts";
import { hedging } from "./contract/_hedge.ts";
import { nesting } from "./contract/_nesting.ts";
import { order } from "./contract/_order.ts";
import { retry } from "./contract/_retry.ts";
import { cast, type ContractCase, type Subject } from "./contract/_scene.ts";

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
  ].flat().flatMap((promised) => cast(subject, promised));
}
