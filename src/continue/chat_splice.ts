/**
 * The seam between two parts of a chat-completions answer.
 *
 * @module
 */

import { assertArgument } from "../_shared/arguments.ts";
import type { ChatChunk, ChatDelta, ChatUsage } from "../openai/mod.ts";
import type { ChunkSplice, NextPart } from "./options.ts";
import { TextSplice, type TextSpliceOptions } from "./text_splice.ts";

/**
 * Joins the chunks of the next model to those that were delivered, for `splice`
 * of {@linkcode continueStream} with chunks of `./openai`. The text is joined by
 * a {@linkcode TextSplice}; reasoning is delivered as it comes. Chunks keep the
 * `id` and `created` of the first model and the `model` of their own, and usage
 * is the sum of the parts.
 *
 * @param part What was delivered so far.
 * @param options How the next model was made to continue.
 * @returns The splice for this part.
 *
 * @example The next model begins again
 * ```ts
 * import { chatSplice, continueStream, continueText } from "@fallback/stream/continue";
 * import { openaiModel } from "@fallback/stream/openai";
 * import { fakeProvider, step } from "@fallback/stream/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const opening = "Once upon a time there was a queen";
 * const broken = fakeProvider([opening, step.fail(new Error("reset"))]);
 * const next = fakeProvider([opening, " who could code."]);
 * const models = [broken, next].map(({ fetch }, i) =>
 *   openaiModel({ model: `model-${i}`, fetch })
 * );
 *
 * const messages = [{ role: "user", content: "Write a fairy tale" }];
 * await using stream = await continueStream(models, { messages }, {
 *   resume: ({ request, chunks }) => continueText(request, chunks),
 *   splice: chatSplice,
 * });
 * let text = "";
 * for await (const { choices } of stream) {
 *   text += choices[0]?.delta?.content ?? "";
 * }
 * assertEquals(text, "Once upon a time there was a queen who could code.");
 * ```
 *
 * @throws {TypeError} If `part.chunks` is no array, or `options.as` is neither
 * `"prefill"` nor `"ask"`.
 */
export function chatSplice(
  part: Pick<NextPart<ChatChunk>, "chunks">,
  options: TextSpliceOptions = {},
): ChunkSplice<ChatChunk> {
  const chunks = part?.chunks;
  assertArgument(Array.isArray(chunks), "part.chunks", "be an array", chunks);
  let text = "";
  let id: string | undefined;
  let created: number | undefined;
  let usage: ChatUsage | undefined;
  for (const chunk of chunks) {
    text += contentOf(chunk) ?? "";
    id ||= chunk.id;
    created ||= chunk.created;
    usage = chunk.usage ?? usage;
  }
  const splice = new TextSplice(text, options);
  const end = (): ChatChunk[] => {
    const rest = splice.end();
    return rest === undefined ? [] : [textChunk(rest)];
  };
  const adapt = (chunk: ChatChunk): ChatChunk => ({
    ...chunk,
    ...(id && { id }),
    ...(created && { created }),
    ...(usage && chunk.usage && { usage: sumUsage(usage, chunk.usage) }),
  });
  let last: ChatChunk = { choices: [] };
  const textChunk = (content: string): ChatChunk => {
    const { usage: _, ...fields } = last;
    return adapt({
      ...fields,
      choices: [{ index: 0, delta: { content }, finish_reason: null }],
    });
  };
  return {
    push(chunk) {
      last = chunk;
      const content = contentOf(chunk);
      if (content) {
        const joined = splice.push(content);
        chunk = joined === undefined
          ? withoutContent(chunk)
          : withContent(chunk, joined);
      }
      const isFinished = chunk.choices.some((choice) => choice.finish_reason);
      const before = isFinished ? end() : [];
      return content && isBare(chunk) ? before : [...before, adapt(chunk)];
    },
    end,
  };
}

function contentOf({ choices }: ChatChunk): string | undefined {
  const content: unknown = choices[0]?.delta?.content;
  if (typeof content === "string") return content;
  // Some servers send numeric tokens as numbers.
  return typeof content === "number" ? `${content}` : undefined;
}

function withContent(chunk: ChatChunk, content: string): ChatChunk {
  const [choice, ...others] = chunk.choices;
  const delta = { ...choice!.delta, content };
  return { ...chunk, choices: [{ ...choice, delta }, ...others] };
}

function withoutContent(chunk: ChatChunk): ChatChunk {
  const [choice, ...others] = chunk.choices;
  const { content: _, ...delta } = choice!.delta as ChatDelta;
  return { ...chunk, choices: [{ ...choice, delta }, ...others] };
}

/** Whether nothing of a chunk without its text is left to deliver. */
function isBare({ choices, usage }: ChatChunk): boolean {
  return !usage && choices.every(({ delta, finish_reason }) =>
    !finish_reason &&
    Object.entries(delta ?? {}).every(([field, value]) =>
      value === null || field === "role"
    )
  );
}

/** Adds the numbers of two reports, also those in their details. */
function sumUsage(a: object, b: object): ChatUsage {
  const sum: Record<string, unknown> = { ...a };
  for (const [field, value] of Object.entries(b)) {
    const other = sum[field];
    if (typeof value === "number" && typeof other === "number") {
      sum[field] = other + value;
    } else if (isObject(value) && isObject(other)) {
      sum[field] = sumUsage(other, value);
    } else {
      sum[field] = value ?? other;
    }
  }
  return sum;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
