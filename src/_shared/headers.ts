// Headers of a request or a response, as given by a caller.

/**
 * `options.headers` as given by the caller.
 *
 * @throws {TypeError} If they are no headers. It does not show their values.
 */
export function parseHeaders(own: unknown): Headers {
  const problem = problemOf(own);
  // An iterator can be read only once.
  const headers = problem === undefined ? tryHeaders(own) : undefined;
  if (headers === undefined) {
    throw new TypeError(
      `'options.headers' must be header names with values: ${
        problem ?? `current value is of type ${typeof own}`
      }`,
    );
  }
  return headers;
}

/** What is wrong with a header in an object, if anything. */
function problemOf(own: unknown): string | undefined {
  if (typeof own !== "object" || own === null || Symbol.iterator in own) {
    return undefined;
  }
  for (const [name, value] of Object.entries(own)) {
    // A wrong name may be the key itself.
    if (!tryHeaders({ [name]: "" })) {
      return "a name has characters that a header cannot carry";
    }
    if (value === undefined || value === null) {
      return `the value of '${name}' is ${value}`;
    }
    if (!tryHeaders({ [name]: value })) {
      return `the value of '${name}' has characters that a header cannot carry`;
    }
  }
  return undefined;
}

/** Headers, or `undefined` if the value is none. */
export function tryHeaders(value: unknown): Headers | undefined {
  try {
    return new Headers(value as RequestInit["headers"]);
  } catch {
    return undefined;
  }
}
