// Chunks as callers can rely on them: what a server left out or put elsewhere is
// completed, in the object that was parsed.

import type { ChatChunk } from "./_chat.ts";

/** A choice that may be incomplete. */
export interface DraftChoice {
  index?: unknown;
  delta?: { content?: unknown } | null;
  message?: { content?: unknown; tool_calls?: unknown } | null;
  text?: unknown;
  finish_reason?: unknown;
}

/** Whether a value is an object and no list. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Makes a chunk of an object: `choices` is a list of objects, and each has a
 * `delta` if there is anything that belongs there.
 *
 * @returns Whether a choice had a `message`, as a whole completion has.
 */
export function completeChunk(value: object): boolean {
  const chunk: { choices?: unknown } = value;
  const { choices } = chunk;
  if (!Array.isArray(choices)) {
    chunk.choices = isObject(choices) ? [choices] : [];
  } else if (!choices.every(isObject)) {
    chunk.choices = choices.filter(isObject);
  }
  let hasMessage = false;
  for (const choice of chunk.choices as readonly DraftChoice[]) {
    if (choice.delta === undefined || choice.delta === null) {
      hasMessage = addDelta(choice) || hasMessage;
    }
    // Cloudflare sends a token such as `6` as a number.
    const content = choice.delta?.content;
    if (typeof content === "number" || typeof content === "boolean") {
      choice.delta!.content = String(content);
    }
  }
  return hasMessage;
}

/**
 * Gives a choice without a `delta` the `message` of a whole answer, or the
 * `text` of the older protocol.
 *
 * @returns Whether there was a message.
 */
function addDelta(choice: DraftChoice): boolean {
  const { message, text } = choice;
  if (!isObject(message)) {
    if (typeof text === "string") choice.delta = { content: text };
    return false;
  }
  const { tool_calls } = message;
  if (Array.isArray(tool_calls)) {
    tool_calls.forEach((call, index) => {
      if (isObject(call) && !("index" in call)) Object.assign(call, { index });
    });
  }
  choice.delta = message;
  delete choice.message;
  return true;
}

/** Marks a whole completion as the one chunk that it has become. */
export function markAsChunk(chunk: ChatChunk): void {
  (chunk as { object: string }).object = "chat.completion.chunk";
}
