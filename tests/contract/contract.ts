/**
 * The conformance suite: the rules of docs/contract.md as test cases.
 *
 * @module
 */

import { cancellation } from "./cancellation.ts";
import { timeouts } from "./timeouts.ts";
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
 * The cases of all rules, each in virtual time and for every kind of source.
 *
 * @param subject The implementation under test.
 * @returns The cases, in the order of the rules.
 */
export function contract(subject: Subject): readonly ContractCase[] {
  const { continueStream } = subject;
  return [
    order,
    cancellation,
    closing,
    flow,
    timeouts,
    retry,
    hedging,
    continueStream ? continuing({ continueStream }) : [],
    health,
    nesting,
    userCode,
    mappingUsageAndTimes,
  ].flat().flatMap((rule) => toCases(subject, rule));
}
