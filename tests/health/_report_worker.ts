// A process that reports at a fixed rate, like a busy app.

import type { SharedHealthOptions } from "@fallback/stream/kv";
import { delay } from "@std/async/delay";
import { serveCommands } from "../_child_process.ts";
import { overloaded } from "./_errors.ts";
import { type DatabaseAddress, openStoreAt } from "./_database_address.ts";

/** The settings of the process. */
export interface ReportWorkerSettings {
  readonly address: DatabaseAddress;
  readonly model: string;
  readonly options: SharedHealthOptions;
  readonly perSecond: number;
  /** Each n-th report is a failure. */
  readonly failsEvery: number;
}

if (import.meta.main) {
  const settings: ReportWorkerSettings = JSON.parse(Deno.args[0]!);
  const { address, model, options, perSecond, failsEvery } = settings;
  await using store = await openStoreAt(address, options);
  const { health } = store;
  let reported = 0;
  const report = () =>
    ++reported % failsEvery === 0
      ? health.report(model, "failure", overloaded())
      : health.report(model, "success");

  await serveCommands({
    ready: () => health.admit(model),
    /** Makes that many reports, and resolves when all are stored. */
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
