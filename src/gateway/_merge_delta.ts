// How the parts of an answer become one message.

/** Fields whose texts are not appended: each part has the whole. */
const WHOLE_FIELDS: ReadonlySet<string> = new Set([
  "role",
  "id",
  "type",
  "index",
  "format",
  "expires_at",
  "status",
  "channel",
]);

/**
 * Adds a delta to what was merged so far: texts are appended, lists are merged
 * by the `index` of their items, objects field by field.
 */
export function mergeDelta(
  target: Record<string, unknown>,
  delta: object,
): void {
  for (const [name, value] of Object.entries(delta)) {
    if (value === null || value === undefined) continue;
    const before = Object.hasOwn(target, name) ? target[name] : undefined;
    define(target, name, mergeField(name, before, value));
  }
}

function mergeField(name: string, before: unknown, value: unknown): unknown {
  // Mistral sends the text of an answer as strings and as lists of parts.
  if (Array.isArray(value)) return mergeList(toParts(before), value);
  if (Array.isArray(before) && typeof value === "string") {
    return mergeList(before, toParts(value) as unknown[]);
  }
  if (typeof value === "object") {
    const merged = isRecord(before) ? before : {};
    mergeDelta(merged, value as object);
    return merged;
  }
  if (before === undefined || WHOLE_FIELDS.has(name)) {
    // An empty `id` or `type` in a later part changes nothing.
    return value === "" && before !== undefined ? before : toText(name, value);
  }
  // Some servers repeat the name of a tool in each part, and some send it in parts.
  if (name === "name" && value === before) return before;
  if (typeof before === "string") return before + String(value);
  return value;
}

/** A text as a list of parts; what is no text stays as it is. */
function toParts(value: unknown): unknown {
  if (typeof value !== "string") return value;
  return value === "" ? [] : [{ type: "text", text: value }];
}

/** Some servers send numeric tokens as numbers. */
function toText(name: string, value: unknown): unknown {
  return name === "content" && typeof value === "number" ? `${value}` : value;
}

/** Items with an `index` are parts of the item there; others are appended. */
function mergeList(before: unknown, items: readonly unknown[]): unknown[] {
  const list: unknown[] = Array.isArray(before) ? before : [];
  const places = placesOf(list);
  for (const item of items) {
    if (!isRecord(item)) {
      list.push(item);
      continue;
    }
    const { index } = item;
    const place = typeof index === "number" ? places.get(index) : undefined;
    const target = place ?? {};
    mergeDelta(target, item);
    if (place) continue;
    list.push(target);
    if (typeof index === "number") places.set(index, target);
  }
  return list;
}

/** The items of each list by their `index`: to search for one would take long. */
const allPlaces = new WeakMap<
  readonly unknown[],
  Map<number, Record<string, unknown>>
>();

function placesOf(
  list: readonly unknown[],
): Map<number, Record<string, unknown>> {
  let places = allPlaces.get(list);
  if (!places) allPlaces.set(list, places = new Map());
  return places;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An assignment to `__proto__` would not make a property. */
function define(
  target: Record<string, unknown>,
  name: string,
  value: unknown,
): void {
  Object.defineProperty(target, name, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}
