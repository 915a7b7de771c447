// The interface of a database for circuits that many processes share.

import type { Circuit, CircuitEvent } from "./_circuit.ts";

/** An event on its way to the database. */
export interface PendingEvent extends CircuitEvent {
  readonly model: string;
  /** Whether it changed the circuit that it was last applied to. */
  counted: boolean;
}

/** Events that are sent together. */
export interface Batch {
  /** Counts the batches of this process, from 1. */
  readonly number: number;
  readonly events: readonly PendingEvent[];
}

/** How circuits are stored. */
export interface CircuitBackend {
  /** The most events of one batch. */
  readonly maxEvents: number;
  /** Whether a batch that is sent twice counts once. */
  readonly isIdempotent: boolean;
  /**
   * Applies a batch to the stored circuits, and sets `counted` of its events.
   *
   * @returns The circuits of these models and of those that the batch names.
   */
  exchange(
    models: ReadonlySet<string>,
    batch: Batch | undefined,
  ): Promise<ReadonlyMap<string, Circuit>>;
}
