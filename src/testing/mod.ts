/**
 * A harness of fake models: every failure that a provider can produce, as data,
 * replayed to the millisecond.
 *
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import {
 *   createJournal,
 *   fakeModel,
 *   step,
 *   virtualTime,
 * } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const journal = createJournal();
 * const overloaded = [step.wait(100), step.fail(new Error("overloaded"))];
 * const primary = fakeModel("primary", overloaded, { journal });
 * const backup = fakeModel("backup", ["Hel", step.wait(20), "lo"], { journal });
 *
 * await virtualTime(async () => {
 *   await using stream = await fallbackStream([primary, backup], "hi");
 *   assertEquals(await Array.fromAsync(stream), ["Hel", "lo"]);
 * });
 * journal.assertClean();
 * ```
 *
 * @module
 */

export {
  type FakeModel,
  fakeModel,
  type FakeModelOptions,
  type SourceKind,
} from "./fake_model.ts";
export {
  type FakeProvider,
  fakeProvider,
  type FakeProviderOptions,
  type FakeServer,
  type ProviderCall,
} from "./fake_provider.ts";
export {
  createJournal,
  type FakeCall,
  type Journal,
  type JournalEntry,
  type JournalEntryType,
} from "./journal.ts";
export { type Script, Step, type StepType } from "./script.ts";
export * as step from "./step.ts";
export { DeadlockError, virtualTime } from "./virtual_time.ts";
export * as wire from "./wire.ts";
export {
  PacketStep,
  type StatusOptions,
  StatusStep,
  type WireScript,
} from "./wire_script.ts";
