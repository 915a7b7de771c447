// The error objects of the many servers that speak the protocol, which agree on
// little more than that there is an `error`.

import { oneLine } from "../_shared/error_text.ts";

/** What is found in an error object. */
export interface ErrorDetails {
  /** One line for people; empty if the object says nothing. */
  readonly summary: string;
  readonly type: string | undefined;
  readonly code: string | number | undefined;
  /** The HTTP status that it amounts to. */
  readonly status: number | undefined;
}

/**
 * Finds the error in a server's answer.
 *
 * @param answer Parsed JSON.
 * @returns The error, an object or a string; `undefined` if there is none.
 */
export function errorIn(answer: unknown): unknown {
  if (Array.isArray(answer)) return errorIn(answer[0]);
  const { error, object, type, choices, message, detail } = Object(answer);
  if (error) return error;
  const complains = choices === undefined &&
    typeof (message ?? detail) === "string";
  return complains || object === "error" || type === "error"
    ? answer
    : undefined;
}

/**
 * Reads an error object.
 *
 * @param error The object, or just its message.
 * @returns What was found.
 */
export function readError(error: unknown): ErrorDetails {
  if (typeof error === "string") {
    error = { message: error };
  }
  const { message, detail, type, code, status, status_code } = Object(error);
  const said = [message, detail, type, code].find((value) =>
    (typeof value === "string" && value.trim() !== "") ||
    typeof value === "number"
  );
  return {
    summary: said === undefined ? "" : oneLine(String(said)),
    type: typeof type === "string" ? type : undefined,
    code: typeof code === "string" || typeof code === "number"
      ? code
      : undefined,
    status: [code, status, status_code].map(Number).find(isErrorStatus),
  };
}

function isErrorStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 400 && status <= 599;
}

/**
 * Parses JSON.
 *
 * @param text What may be JSON.
 * @returns The value, or `undefined` if it is none.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
