// The property: what happens is what the reference says, and nothing is left.

import type { Subject } from "../contract/contract.ts";
import fc from "fast-check";
import { runScenario } from "./_run_scenario.ts";
import { expectedObservation, Silent } from "./_reference.ts";
import type { Observation, RecordObservation, Scenario } from "./_scenario.ts";
import { scenarios } from "./_arbitraries.ts";

/** How many scenarios, and which. */
export interface Runs {
  runs: number;
  seed: number;
}

/**
 * Looks for a scenario in which an implementation does not do what it must.
 *
 * @returns What is wrong in the smallest such scenario, if there is one.
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
 * What is wrong in one scenario.
 *
 * @returns It, beside what was expected and the journal; nothing if all is well.
 */
export async function violation(
  subject: Subject,
  scenario: Scenario,
): Promise<string | undefined> {
  let expected: Observation;
  if (scenario.resume && !subject.continueStream) return undefined;
  try {
    expected = expectedObservation(scenario);
  } catch (error) {
    if (error instanceof Silent) fc.pre(false);
    throw error;
  }
  try {
    const { observation, journal } = await runScenario(subject, scenario);
    const lines = difference(lineUp(observation), lineUp(expected));
    if (lines.length > 0) return [...lines, "", `${journal}`].join("\n");
    journal.assertClean();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** An observation as lines, in an order that does not depend on the event loop. */
function lineUp({ caller, records, fakes, health }: Observation): string[] {
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

function recordLines(record: RecordObservation, indent: string): string[] {
  const { model, outcome, chunks, times, error, closeErrors, nested } = record;
  const at = times.map((time) => time ?? "-").join(" ");
  // A stream that opens too late adds its errors whenever that is.
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
