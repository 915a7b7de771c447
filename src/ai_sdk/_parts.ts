// Which parts of an AI SDK stream are content, an end or an error. The fields of a
// part decide, not its type: providers add part types and kinds of `custom` parts
// all the time, and most of them are protocol, such as `anthropic.message_start`.

import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { TruncatedStreamError } from "../errors.ts";
import { getProperty } from "../_shared/safe_access.ts";
import { StreamPartError, toStreamError } from "./stream_part_error.ts";

type Part = LanguageModelV4StreamPart;

/** Whether a part carries a piece of the answer. */
export function isContent(part: Part): boolean {
  switch (part.type) {
    case "tool-input-start":
    case "tool-call":
    case "tool-result":
    case "tool-approval-request":
    case "source":
      return true;
    case "file":
    case "reasoning-file":
      return hasData(part.data);
    case "raw":
    case "error":
    case "finish":
    case "stream-start":
    case "response-metadata":
      return false;
    default:
      // Also `custom` parts and types that are not known yet.
      return isText(getProperty(part, "delta")) ||
        isText(getProperty(part, "text"));
  }
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

/** Files of version 3 have their data as it is, those of version 4 in an object. */
function hasData(data: unknown): boolean {
  const { data: inner = data } = Object(data);
  return Object(inner).length !== 0;
}

/** Returns the predicate for the part that ends a model's answer. */
export function finalPredicate(model: string): (part: Part) => boolean {
  return (part) => isFinal(part, model);
}

/**
 * Returns the predicates for the parts of one answer. An answer that a filter has
 * withheld is an error with the status 400, as that of `openaiModel`: the model
 * works and would do the same again.
 */
export function answerPredicates(
  model: string,
): { isContent(part: Part): boolean; isFinal(part: Part): boolean } {
  let hasContent = false;
  return {
    isContent: (part) => isContent(part) && (hasContent = true),
    isFinal(part) {
      const isFiltered = part.type === "finish" && !hasContent &&
        part.finishReason?.unified === "content-filter";
      if (isFiltered) {
        throw new StreamPartError(
          "The answer was filtered: it has no content",
          { status: 400, code: "content_filter" },
        );
      }
      return isFinal(part, model);
    },
  };
}

/**
 * Whether a part ends a complete answer. Every part passes here, so this is
 * also where an error inside the stream becomes an error of the stream.
 *
 * @throws The error of an `error` part, or for a `finish` of an incomplete answer.
 */
function isFinal(part: Part, model: string): boolean {
  if (part.type === "error") throw toStreamError(part.error);
  if (part.type !== "finish") return false;
  assertFinished(part.finishReason, model, isCut);
  return true;
}

type FinishReason = (Part & { type: "finish" })["finishReason"];

/**
 * @param isTruncated Whether a finish reason stands for a missing end.
 * @throws {TruncatedStreamError} If the answer was truncated.
 * @throws {StreamPartError} If the model ended it with an error.
 */
export function assertFinished(
  reason: FinishReason,
  model: string,
  isTruncated: (reason: FinishReason) => boolean,
): void {
  if (isTruncated(reason)) throw new TruncatedStreamError(model);
  if (reason?.unified === "error") {
    throw new StreamPartError(
      `the answer ended with finish reason "error"${
        reason.raw && reason.raw !== "error" ? ` (${reason.raw})` : ""
      }`,
    );
  }
}

/** Finish reasons of a provider whose own stream broke off. */
export function isInterrupted(reason: FinishReason): boolean {
  return reason?.unified === "interrupted";
}

/**
 * Providers of AI SDK 6, and some of AI SDK 7, initialize the reason as `other`
 * without a raw value, and end with that if the server has sent none.
 */
function isCut(reason: FinishReason): boolean {
  return isInterrupted(reason) ||
    (reason?.unified === "other" && (reason.raw ?? undefined) === undefined);
}
