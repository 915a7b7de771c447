/**
 * A harness of fake models: every failure that a provider can produce, as data,
 * replayed to the millisecond.
 *
 * ```ts
 * import { fallbackStream } from "@fallback/stream";
 * import {
 *   createJournal,
 *   fail,
 *   fakeModel,
 *   virtualTime,
 *   wait,
 * } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const journal = createJournal();
 * const overloaded = [wait(100), fail(new Error("overloaded"))];
 * const primary = fakeModel("primary", overloaded, { journal });
 * const backup = fakeModel("backup", ["Hel", wait(20), "lo"], { journal });
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

export { contract, type ContractCase, type Subject } from "./contract.ts";
export {
  type FakeModel,
  fakeModel,
  type FakeModelOptions,
  type SourceKind,
} from "./fake_model.ts";
export {
  errorEvent,
  type FakeProvider,
  fakeProvider,
  type FakeProviderOptions,
  type FakeServer,
  finish,
  packet,
  PacketStep,
  type ProviderCall,
  raw,
  status,
  type StatusOptions,
  StatusStep,
  type WireScript,
} from "./fake_provider.ts";
export {
  createJournal,
  type FakeCall,
  type Journal,
  type JournalEntry,
  type JournalEntryType,
} from "./journal.ts";
export {
  end,
  fail,
  hang,
  open,
  type Script,
  Step,
  type StepType,
  truncate,
  wait,
} from "./script.ts";
export { DeadlockError, virtualTime } from "./virtual_time.ts";
