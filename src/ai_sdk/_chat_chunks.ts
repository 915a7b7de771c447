// From the parts of a language model to chunks of the chat-completions protocol.

import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { oneLine } from "../_shared/error_text.ts";
import { getProperty } from "../_shared/safe_access.ts";
import type { ChatChunk, ChatDelta, ChatRequest } from "../openai/mod.ts";
import type { Usage } from "../types/attempt.ts";
import { toBase64 } from "./_chat_files.ts";
import type { Warn } from "./_chat_fields.ts";
import { toUsage } from "./_usage.ts";

type Part = LanguageModelV4StreamPart;
type PartOf<Type extends Part["type"]> = Extract<Part, { type: Type }>;

/** The finish reasons of the protocol. */
const FINISH_REASONS: Readonly<Record<string, string>> = {
  stop: "stop",
  length: "length",
  "content-filter": "content_filter",
  "tool-calls": "tool_calls",
};

/** A tool call whose input arrives in pieces. */
interface OpenCall {
  readonly index: number;
  input: string;
}

/** Converts the parts of one stream. */
export class ChatChunkMapper {
  readonly #warn: Warn;
  readonly #wantsUsage: boolean;
  readonly #calls = new Map<string, OpenCall>();
  /** Kinds that were already reported: each is reported once. */
  readonly #warned = new Set<string>();
  #id = `chatcmpl-${crypto.randomUUID()}`;
  #created = Math.floor(Date.now() / 1000);
  #model: string;
  #hasRole = false;
  #images = 0;

  constructor(modelId: string, request: ChatRequest, warn: Warn) {
    this.#model = modelId;
    this.#warn = warn;
    this.#wantsUsage = getProperty(
      getProperty(request, "stream_options"),
      "include_usage",
    ) !== false;
  }

  /** The chunks for a part. */
  map(part: Part): readonly ChatChunk[] {
    switch (part.type) {
      case "stream-start":
        for (const warning of part.warnings ?? []) this.#report(warning);
        return [];
      case "response-metadata":
        this.#id = part.id ?? this.#id;
        this.#model = part.modelId ?? this.#model;
        this.#created = toSeconds(part.timestamp) ?? this.#created;
        return [];
      case "text-delta":
        return this.#chunk({ content: part.delta });
      case "reasoning-delta":
        return this.#chunk({ reasoning_content: part.delta });
      case "tool-input-start":
        return this.#startCall(part);
      case "tool-input-delta":
        return this.#addInput(part.id, part.delta);
      case "tool-call":
        return this.#completeCall(part);
      case "file":
        return this.#file(part);
      case "source":
        return this.#source(part);
      case "finish":
        return this.#finish(part);
      case "tool-result":
      case "tool-approval-request":
      case "reasoning-file":
        return this.#leaveOut(part.type);
      default:
        return [];
    }
  }

  #chunk(delta: ChatDelta): readonly ChatChunk[] {
    const role = this.#hasRole ? {} : { role: "assistant" };
    this.#hasRole = true;
    const choice = {
      index: 0,
      delta: { ...role, ...delta },
      finish_reason: null,
    };
    return [this.#envelope({ choices: [choice] })];
  }

  #envelope(rest: Pick<ChatChunk, "choices" | "usage">): ChatChunk {
    return {
      id: this.#id,
      object: "chat.completion.chunk",
      created: this.#created,
      model: this.#model,
      ...rest,
    };
  }

  #startCall(part: PartOf<"tool-input-start">): readonly ChatChunk[] {
    if (part.providerExecuted) {
      return this.#leaveOut("tool-call of the provider");
    }
    return this.#openCall(part.id, part.toolName, "");
  }

  #openCall(
    id: string,
    name: string,
    input: string,
  ): readonly ChatChunk[] {
    const index = this.#calls.size;
    this.#calls.set(id, { index, input });
    return this.#chunk({
      tool_calls: [{
        index,
        id,
        type: "function",
        function: { name, arguments: input },
      }],
    });
  }

  #addInput(id: string, delta: string): readonly ChatChunk[] {
    const call = this.#calls.get(id);
    if (!call || delta === "") return [];
    call.input += delta;
    return this.#chunk({
      tool_calls: [{ index: call.index, function: { arguments: delta } }],
    });
  }

  /** A whole call: delivers the rest that was not streamed. */
  #completeCall(part: PartOf<"tool-call">): readonly ChatChunk[] {
    const { toolCallId, toolName, input } = part;
    if (part.providerExecuted) {
      return this.#leaveOut("tool-call of the provider");
    }
    const text = typeof input === "string" ? input : JSON.stringify(input);
    const call = this.#calls.get(toolCallId);
    if (!call) return this.#openCall(toolCallId, toolName, text);
    return text.startsWith(call.input)
      ? this.#addInput(toolCallId, text.slice(call.input.length))
      : [];
  }

  #file(part: PartOf<"file">): readonly ChatChunk[] {
    const { mediaType } = part;
    const file = toUrl(part);
    if (mediaType.startsWith("image/")) {
      const index = this.#images++;
      const image_url = { url: file.url };
      return this.#chunk({ images: [{ type: "image_url", image_url, index }] });
    }
    if (mediaType.startsWith("audio/") && file.data !== undefined) {
      return this.#chunk({ audio: { id: this.#id, data: file.data } });
    }
    return this.#chunk({
      files: [{ type: "file", file: { file_data: file.url } }],
    });
  }

  #source(part: PartOf<"source">): readonly ChatChunk[] {
    if (part.sourceType !== "url") return this.#leaveOut("source document");
    const { url, title = url } = part;
    return this.#chunk({
      annotations: [{ type: "url_citation", url_citation: { url, title } }],
    });
  }

  #finish(part: PartOf<"finish">): readonly ChatChunk[] {
    const { unified, raw } = part.finishReason;
    // A reason that the protocol does not know is delivered as it is.
    const finish_reason = FINISH_REASONS[unified] ?? raw ?? unified;
    const end = this.#envelope({
      choices: [{ index: 0, delta: {}, finish_reason }],
    });
    const usage = toChatUsage(toUsage(part.usage));
    return this.#wantsUsage && usage
      ? [end, this.#envelope({ choices: [], usage })]
      : [end];
  }

  #leaveOut(kind: string): readonly ChatChunk[] {
    if (this.#warned.has(kind)) return [];
    this.#warned.add(kind);
    this.#warn(`A ${kind} part of the answer cannot be a chunk`, kind);
    return [];
  }

  /** A warning of the provider. */
  #report(warning: unknown): void {
    const feature = getProperty(warning, "feature");
    const details = getProperty(warning, "message") ??
      getProperty(warning, "details");
    const text = [feature, details].filter((each) => typeof each === "string");
    this.#warn(
      oneLine(text.join(": ") || String(getProperty(warning, "type"))),
      typeof feature === "string" ? feature : undefined,
    );
  }
}

function toSeconds(timestamp: unknown): number | undefined {
  const ms = timestamp instanceof Date ? timestamp.getTime() : NaN;
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}

/** Files of version 3 have their data as it is, those of version 4 in an object. */
function toUrl({ data: given, mediaType }: PartOf<"file">): {
  readonly url: string;
  readonly data?: string;
} {
  const url = getProperty(given, "url");
  if (url !== undefined) return { url: String(url) };
  const content = getProperty(given, "data") ?? given;
  const data = content instanceof Uint8Array
    ? toBase64(content)
    : String(content);
  return { url: `data:${mediaType};base64,${data}`, data };
}

function toChatUsage(
  usage: Usage,
): NonNullable<ChatChunk["usage"]> | undefined {
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } =
    usage;
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const totalTokens = usage.totalTokens ??
    (inputTokens !== undefined && outputTokens !== undefined
      ? inputTokens + outputTokens
      : undefined);
  return {
    ...(inputTokens !== undefined && { prompt_tokens: inputTokens }),
    ...(outputTokens !== undefined && { completion_tokens: outputTokens }),
    ...(totalTokens !== undefined && { total_tokens: totalTokens }),
    ...(cachedInputTokens !== undefined && {
      prompt_tokens_details: { cached_tokens: cachedInputTokens },
    }),
    ...(reasoningTokens !== undefined && {
      completion_tokens_details: { reasoning_tokens: reasoningTokens },
    }),
  };
}
