// Imports nothing: the reference for import times.
export {};
