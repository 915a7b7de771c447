// What a row of the table is.

/** How often `ours` takes as long as `reference`. */
export interface RatioRow {
  readonly name: string;
  /** The ratio to reach. */
  readonly target: number;
  /** Runs a batch that takes some tens of milliseconds. */
  ours(): Promise<unknown>;
  /** Runs the same batch in the way that it is compared with. */
  reference(): Promise<unknown>;
}

/** A figure that is measured once, such as bytes. */
export interface FigureRow {
  readonly name: string;
  readonly target: number;
  /** The unit of the figure. */
  readonly unit: "bytes" | "µs" | "×";
  measure(): Promise<number>;
}

/** One line of the table. */
export type Row = RatioRow | FigureRow;
