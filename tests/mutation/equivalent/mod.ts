// Mutants that behave as the original does, or differ only in what no test should
// hold fast. They are found by the text of their lines, so that a change in other
// lines does not invalidate them.

import shared from "./shared.ts";
import aiSdk from "./ai_sdk.ts";
import continued from "./continue.ts";
import engine from "./engine.ts";
import gateway from "./gateway.ts";
import health from "./health.ts";
import kv from "./kv.ts";
import latency from "./latency.ts";
import openai from "./openai.ts";
import otel from "./otel.ts";
import policies from "./policies.ts";
import redis from "./redis.ts";
import root from "./root.ts";
import serve from "./serve.ts";
import sse from "./sse.ts";
import testing from "./testing.ts";

/** A mutant that need not be killed. */
export interface EquivalentMutant {
  /** `from` of the mutant. */
  readonly from: string;
  /** `to` of the mutant. */
  readonly to: string;
  /** `lineBefore` of the mutant, where the file has several lines like it. */
  readonly lineBefore?: string;
  /** Why no test can, or should, tell it from the original. */
  readonly reason: string;
}

/** Equivalent mutants by the path of their file from the root of the project. */
export type EquivalentMutants = Readonly<
  Record<string, readonly EquivalentMutant[]>
>;

/** All of them. */
export const EQUIVALENT: EquivalentMutants = {
  ...shared,
  ...aiSdk,
  ...continued,
  ...engine,
  ...gateway,
  ...health,
  ...kv,
  ...latency,
  ...openai,
  ...otel,
  ...policies,
  ...redis,
  ...root,
  ...serve,
  ...sse,
  ...testing,
};
