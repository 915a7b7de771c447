// What an answer that may have to be continued consists of.

import type { ChatChunk } from "./_chat.ts";

type Choice = ChatChunk["choices"][number];

/** Whether a choice has something that cannot be continued as one text. */
export function isMoreThanText({ index, delta }: Choice): boolean {
  const { content, tool_calls, function_call, refusal, audio, images } =
    delta ?? {};
  // Some servers send numeric tokens as numbers.
  const isText = ["string", "number"].includes(typeof (content ?? ""));
  return Boolean(
    index || tool_calls?.length || function_call || refusal || audio ||
      (Array.isArray(images) ? images.length > 0 : images) ||
      !isText,
  );
}
