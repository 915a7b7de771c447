// The property: the implementation does what the reference model computes, and
// leaves nothing open.

import type { Subject } from "../contract/contract.ts";
import fc from "fast-check";
import { expectedResult, Unspecified } from "./_reference.ts";
import { runScenario } from "./_run_scenario.ts";
import type { ExpectedRecord, Scenario, ScenarioResult } from "./_scenario.ts";
import { scenarios } from "./_arbitraries.ts";

/** The number of scenarios, and the seed that generates them. */
export interface Runs {
  runs: number;
  seed: number;
}

/**
 * Looks for a scenario in which an implementation breaks the contract.
 *
 * @returns The smallest such scenario and what is wrong in it, if there is one.
 */
export async function findViolation(
  subject: Subject,
  { runs, seed }: Runs,
): Promise<string | undefined> {
  const property = fc.asyncProperty(scenarios, async (scenario) => {
    const wrong = await violation(subject, scenario);
    if (wrong !== undefined) throw new Error(wrong);
  });
  const result = await fc.check(property, { numRuns: runs, seed });
  if (!result.failed) return undefined;
  const { errorInstance, counterexample } = result;
  if (!counterexample) return `too few scenarios, seed ${seed}`;
  return [
    `Seed ${seed}, after ${result.numRuns} scenarios:`,
    JSON.stringify(counterexample[0]),
    errorInstance instanceof Error ? errorInstance.message : `${errorInstance}`,
  ].join("\n");
}

/**
 * Runs one scenario and compares the result with the reference.
 *
 * @returns The differences and the journal; `undefined` if there are none.
 */
export async function violation(
  subject: Subject,
  scenario: Scenario,
): Promise<string | undefined> {
  let expected: ScenarioResult;
  if (scenario.resume && !subject.continueStream) return undefined;
  try {
    expected = expectedResult(scenario);
  } catch (error) {
    if (error instanceof Unspecified) fc.pre(false);
    throw error;
  }
  try {
    const { result, journal } = await runScenario(subject, scenario);
    const lines = difference(lineUp(result), lineUp(expected));
    if (lines.length > 0) return [...lines, "", `${journal}`].join("\n");
    journal.assertClean();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A result as lines, in an order that does not depend on event loop turns. */
function lineUp({ caller, records, fakes, health }: ScenarioResult): string[] {
  const byTime = (lines: string[]) =>
    lines.toSorted((a, b) => parseFloat(a) - parseFloat(b) || (a < b ? -1 : 1));
  const modelOf = (line: string) => line.split(" ")[1]!;
  const byModel = health.toSorted((a, b) =>
    modelOf(a).localeCompare(modelOf(b)) || parseFloat(a) - parseFloat(b)
  );
  const calls = fakes.map((fake) => byTime(fake).join("\n"));
  return [
    ...byTime(caller).map((line) => `the caller: ${line}`),
    ...byTime(calls).flatMap((call, i) =>
      call.split("\n").map((line) => `call ${i + 1}: ${line}`)
    ),
    ...byModel.map((line) => `the store: ${line}`),
    ...records.flatMap((record) => recordLines(record, "record")),
  ];
}

function recordLines(record: ExpectedRecord, indent: string): string[] {
  const { model, outcome, chunks, times, error, closeErrors, nested } = record;
  const at = times.map((time) => time ?? "-").join(" ");
  // A stream that opens too late adds its close errors at any later time.
  const closing = closeErrors.toSorted().join();
  return [
    `${indent}: ${model} ${outcome} after ${chunks} chunks, at ${at}, ` +
    `error ${error}, closing ${closing}`,
    ...(nested ?? []).flatMap((inner) =>
      recordLines(inner, `${indent} of ${model}`)
    ),
  ];
}

function difference(actual: string[], expected: string[]): string[] {
  if (actual.join() === expected.join()) return [];
  return [
    "What happened is not what was expected:",
    ...actual.filter((line) => !expected.includes(line))
      .map((line) => `happened:  ${line}`),
    ...expected.filter((line) => !actual.includes(line))
      .map((line) => `expected:  ${line}`),
  ];
}
