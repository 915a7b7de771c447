// The error objects of the many servers that speak the protocol, which agree on
// little more than that there is an `error`.

import { oneLine } from "../_shared/error_text.ts";
import { isErrorStatus } from "../_shared/http_status.ts";
import { getProperty, parseJson } from "../_shared/safe_access.ts";
import { statusOfCode, statusOfMiniMax } from "./_error_status.ts";

/** What is found in an error object. */
export interface ErrorDetails {
  /** One line for people; empty if the object says nothing. */
  readonly summary: string;
  readonly type: string | undefined;
  readonly code: string | number | undefined;
  /** The HTTP status that it amounts to. */
  readonly status: number | undefined;
}

/** How deep errors are followed into errors. */
const MAX_DEPTH = 4;

/** Where errors are looked for. Not a list: it is read for every chunk. */
interface Answer {
  readonly error?: unknown;
  readonly errors?: unknown;
  readonly error_message?: unknown;
  readonly error_msg?: unknown;
  readonly errorMessage?: unknown;
  readonly error_type?: unknown;
  readonly error_code?: unknown;
  readonly errorCode?: unknown;
  readonly errmsg?: unknown;
  readonly exception?: unknown;
  readonly fault?: unknown;
  readonly object?: unknown;
  readonly type?: unknown;
  readonly choices?: unknown;
  readonly code?: unknown;
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly message?: unknown;
  /** Of Groq. */
  readonly x_groq?: { readonly error?: unknown } | null;
  /** Of MiniMax, in each chunk. */
  readonly base_resp?: { readonly status_code?: unknown } | null;
}

/** Fields in which an object without choices complains. */
const COMPLAINTS = ["message", "Message", "msg", "detail"] as const;

/** Fields of an error object that say what happened, the best first. */
const SUMMARY_FIELDS = [
  "message",
  "Message",
  "msg",
  "error_message",
  "error_msg",
  "errorMessage",
  "errmsg",
  "detail",
  "description",
  "error_description",
  "status_msg",
  "faultstring",
  "exception",
  "title",
  "error",
  "type",
  "error_type",
  "code",
  "error_code",
] as const;

/**
 * Finds the error in a chunk or in a whole answer: at the top, in a choice, or
 * in what stands for a choice. It is called for every chunk, so what all chunks
 * pass is plain.
 *
 * @param answer Parsed JSON.
 * @returns The error, an object or a string; `undefined` if there is none.
 */
export function errorIn(answer: unknown): unknown {
  if (Array.isArray(answer)) answer = answer[0];
  if (typeof answer !== "object" || answer === null) return undefined;
  const fields: Answer = answer;
  const { error, choices } = fields;
  if (error && (choices === undefined || !isEmptyObject(error))) {
    // `{ "error": true, "message": … }`, `{ "error": "…", "error_type": … }`
    return typeof error === "object" || isAlone(error, fields) ? error : answer;
  }
  if (fields.x_groq?.error) return fields.x_groq.error;
  const { errors, base_resp } = fields;
  if (Array.isArray(errors) && errors.length > 0) return errors[0];
  if (
    fields.object === "error" || fields.type === "error" ||
    fields.error_message || fields.error_msg || fields.errorMessage ||
    fields.error_type || fields.error_code || fields.errorCode ||
    fields.errmsg || fields.exception || fields.fault
  ) return answer;
  if (base_resp && typeof base_resp.status_code === "number") {
    if (base_resp.status_code !== 0) return base_resp;
  }
  if (!Array.isArray(choices)) return errorWithoutChoices(answer);
  for (const choice of choices) {
    const found = errorInChoice(choice);
    if (found) return found;
  }
  return undefined;
}

/** Whether the text of an error is all that is known about it. */
function isAlone(error: unknown, fields: Answer): boolean {
  const { message, code, status, statusCode, error_type, error_code } = fields;
  return typeof error === "string" &&
    !(message || code || status || statusCode || error_type || error_code);
}

/** A choice, as far as errors are concerned. */
interface Choice {
  readonly error?: unknown;
  readonly error_message?: unknown;
  readonly delta?: { readonly error?: unknown } | null;
  readonly message?: { readonly error?: unknown } | null;
}

function errorInChoice(choice: unknown): unknown {
  if (typeof choice !== "object" || choice === null) return undefined;
  const { error, error_message, delta, message }: Choice = choice;
  if (error && !isEmptyObject(error)) return error === true ? choice : error;
  if (error_message) return choice;
  const inner = delta?.error || message?.error;
  return inner && !isEmptyObject(inner) ? inner : undefined;
}

/** Without choices, a field that chunks also have may hold an error. */
function errorWithoutChoices(answer: object): unknown {
  const { choices, success, response, detail, status, statusCode, code } =
    answer as Record<string, unknown>;
  if (choices !== undefined && choices !== null) return undefined;
  // `{ "type": "response.failed", "response": { "error": … } }`
  const nested = getProperty(response, "error");
  if (nested) return nested;
  if (success === false || status === "error") return answer;
  for (const each of [status, statusCode, code]) {
    if (isErrorStatus(each)) return answer;
  }
  if (Array.isArray(detail) && detail.length > 0) return answer;
  return COMPLAINTS.some((field) =>
      typeof getProperty(answer, field) === "string"
    )
    ? answer
    : undefined;
}

function isEmptyObject(value: NonNullable<unknown>): boolean {
  return typeof value === "object" && Object.keys(value).length === 0;
}

/**
 * Reads an error object.
 *
 * @param error The object, or just its message.
 * @returns What was found.
 */
export function readError(error: unknown): ErrorDetails {
  if (typeof error !== "object" || error === null) {
    return {
      summary: summaryOf(error),
      type: undefined,
      code: undefined,
      status: toStatus(error),
    };
  }
  const fields = error as Record<string, unknown>;
  const type = fields.type ?? fields.error_type;
  const code = fields.code ?? fields.error_code ?? fields.status_code;
  const nested = typeof fields.error === "object"
    ? readError(fields.error)
    : undefined;
  return {
    summary: summaryOf(error),
    type: typeof type === "string" ? type : nested?.type,
    code: typeof code === "string" || typeof code === "number"
      ? code
      : nested?.code,
    status: statusOfError(fields) ?? nested?.status,
  };
}

function statusOfError(fields: Record<string, unknown>): number | undefined {
  const { code, status, statusCode, status_code, error_code, errorCode } =
    fields;
  const numbers = [code, status, statusCode, status_code, error_code];
  for (const value of numbers) {
    const found = toStatus(value);
    if (found !== undefined) return found;
  }
  const codes = [code, error_code, errorCode, status, fields.type];
  for (const each of [...codes, fields.error_type, fields.error]) {
    const found = statusOfCode(each);
    if (found !== undefined) return found;
  }
  return statusOfMiniMax(status_code);
}

/** A number, or a string of one, that is the status of a failed request. */
function toStatus(value: unknown): number | undefined {
  const number = typeof value === "string" ? Number(value) : value;
  return isErrorStatus(number) ? number : undefined;
}

/** The first field that says something, followed into lists and objects. */
function summaryOf(value: unknown, depth = 0): string {
  if (typeof value === "string" || typeof value === "number") {
    return oneLine(String(value));
  }
  if (typeof value !== "object" || depth > MAX_DEPTH) return "";
  if (Array.isArray(value)) return summaryOf(value[0], depth + 1);
  for (const field of SUMMARY_FIELDS) {
    const summary = summaryOf(getProperty(value, field), depth + 1);
    if (summary !== "") return summary;
  }
  return "";
}

/**
 * Finds the error in the body of a refusal: JSON, or an event stream with JSON.
 *
 * @returns What the body says in one line; empty where it is a page for a
 * browser or incomplete JSON.
 */
export function summaryOfBody(body: string): string {
  const answer = parseJson(body) ?? eventIn(body);
  if (answer !== undefined) {
    return readError(errorIn(answer) ?? answer).summary;
  }
  return /^\s*[<{[]/.test(body) ? "" : oneLine(body);
}

/** The first JSON of a body that is framed as an event stream. */
function eventIn(body: string): unknown {
  if (!/^(?:data|event|error|id|retry)?:/.test(body.trimStart())) {
    return undefined;
  }
  for (const line of body.split("\n")) {
    const value = parseJson(line.replace(/^\w*:/, ""));
    if (typeof value === "object" && value !== null) return value;
  }
  return undefined;
}
