// What an answer that may have to be continued consists of.

import type { ChatChunk } from "./_chat.ts";

type Choice = ChatChunk["choices"][number];

/** The types of a text: some servers send numeric tokens as numbers. */
const TEXTS: ReadonlySet<string> = new Set(["undefined", "string", "number"]);

/** Whether a choice has something that cannot be continued as one text. */
export function isMoreThanText({ index, delta }: Choice): boolean {
  const { content, tool_calls, function_call, refusal, audio, images } =
    delta ?? {};
  return Boolean(
    index || tool_calls?.length || function_call || refusal || audio ||
      (Array.isArray(images) ? images.length > 0 : images) ||
      !TEXTS.has(content === null ? "undefined" : typeof content),
  );
}
