// What the parts of an AI SDK stream say about the answer.

import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";

/** Whether a part shows that the model is answering. */
export function isContent(part: LanguageModelV4StreamPart): boolean {
  switch (part.type) {
    case "text-delta":
    case "reasoning-delta":
    case "tool-input-delta":
      return part.delta !== "";
    case "tool-input-start":
    case "tool-call":
    case "tool-result":
    case "tool-approval-request":
    case "source":
    case "custom":
      return true;
    case "file":
    case "reasoning-file":
      return hasData(part);
    default:
      return false;
  }
}

/** Files of version 3 have their data as it is, those of version 4 in a box. */
function hasData({ data }: { data: unknown }): boolean {
  const { data: inner = data } = Object(data);
  return Object(inner).length !== 0;
}

/**
 * Whether a part ends a complete answer. Every part passes here, so this is
 * also where an error inside the stream becomes one of the stream.
 */
export function isFinal(part: LanguageModelV4StreamPart): boolean {
  if (part.type === "error") throw part.error;
  return part.type === "finish";
}
