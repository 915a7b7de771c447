// One listener per signal for all calls that share it. `addEventListener` looks
// at every listener that the signal has, so that one listener per call would
// make the opening of many streams on one shutdown signal quadratic.

/** What the abort of a signal ends. */
export interface AbortTarget {
  /** The signal has aborted. */
  onAbort(): void;
}

const groups = new WeakMap<AbortSignal, AbortGroup>();

/** The calls that one signal cancels. */
class AbortGroup {
  readonly targets = new Set<AbortTarget>();

  /** Called by the signal, as its listener. */
  handleEvent(): void {
    for (const target of [...this.targets]) {
      // The target before may have ended this one.
      if (this.targets.has(target)) target.onAbort();
    }
  }
}

/** Calls `target.onAbort()` when the signal aborts. */
export function addAbortTarget(signal: AbortSignal, target: AbortTarget): void {
  let group = groups.get(signal);
  if (!group) {
    group = new AbortGroup();
    groups.set(signal, group);
    signal.addEventListener("abort", group);
  }
  group.targets.add(target);
}

/** Takes the target back; after the last one, the signal has no listener left. */
export function removeAbortTarget(
  signal: AbortSignal,
  target: AbortTarget,
): void {
  const group = groups.get(signal);
  if (!group?.targets.delete(target) || group.targets.size > 0) return;
  groups.delete(signal);
  signal.removeEventListener("abort", group);
}
