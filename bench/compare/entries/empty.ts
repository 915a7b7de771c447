// Nothing: what a process takes that imports nothing.
export {};
