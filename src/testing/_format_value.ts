// A value in one stable line, for journals and complaints.

/** Errors by name and message, wherever they are; the rest as JSON. */
export function show(value: unknown): string {
  try {
    if (value instanceof Error) return nameOf(value);
    const json = JSON.stringify(
      value,
      (_, part) => part instanceof Error ? nameOf(part) : part,
    );
    return json ?? String(value);
  } catch {
    return typeof value;
  }
}

function nameOf({ name, message }: Error): string {
  return `${name}: ${message}`;
}
