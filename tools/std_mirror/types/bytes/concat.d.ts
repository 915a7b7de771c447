/** Concatenates an array of byte slices into a single slice. */
export function concat(buffers: readonly Uint8Array[]): Uint8Array<ArrayBuffer>;
