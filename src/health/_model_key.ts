// Names of models as keys of a database. Databases keep text as UTF-8, in which
// all lone surrogates are the same character: different names would share a key.

const UTF16 = "utf16:";

/** A name as ASCII text without white space. Different names differ. */
export function encodeName(name: string): string {
  if (name.isWellFormed()) return encodeURIComponent(name);
  const units = Array.from(
    { length: name.length },
    (_, i) => name.charCodeAt(i).toString(16).padStart(4, "0"),
  );
  return `${UTF16}${units.join("")}`; // no well-formed name has a colon here
}

/** The name that a key stands for; `undefined` if it is no key of a model. */
export function decodeName(key: unknown): string | undefined {
  if (typeof key !== "string") return undefined;
  try {
    const name = key.startsWith(UTF16)
      ? key.slice(UTF16.length).replace(
        /[0-9a-f]{4}/g,
        (unit) => String.fromCharCode(parseInt(unit, 16)),
      )
      : decodeURIComponent(key);
    return encodeName(name) === key ? name : undefined;
  } catch {
    return undefined; // a lone "%"
  }
}
