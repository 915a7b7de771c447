// A process that reports as fast as a busy app does.

import type { SharedHealthOptions } from "@fallback/stream/kv";
import { delay } from "@std/async/delay";
import { serveCommands } from "../_child_process.ts";
import { overloaded } from "./_errors.ts";
import { openPlace, type Place } from "./_place.ts";

/** What a process that reports needs to know. */
export interface ReporterSettings {
  readonly place: Place;
  readonly model: string;
  readonly options: SharedHealthOptions;
  readonly perSecond: number;
  /** One of this many reports is a failure. */
  readonly failsEvery: number;
}

if (import.meta.main) {
  const settings: ReporterSettings = JSON.parse(Deno.args[0]!);
  const { place, model, options, perSecond, failsEvery } = settings;
  await using store = await openPlace(place, options);
  const { health } = store;
  let reported = 0;
  const report = () =>
    ++reported % failsEvery === 0
      ? health.report(model, "failure", overloaded())
      : health.report(model, "success");

  await serveCommands({
    ready: () => health.admit(model),
    /** Resolves when all of them are stored. */
    async report(count: number) {
      const startedAt = performance.now();
      const reports: (Promise<void> | undefined)[] = [];
      while (reports.length < count) {
        const due = (performance.now() - startedAt) / 1000 * perSecond;
        while (reports.length < Math.min(due, count)) {
          reports.push(report());
          await health.admit(model);
        }
        await delay(1);
      }
      await Promise.all(reports);
    },
  });
}
