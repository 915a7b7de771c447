// The providers' own SDKs, each with the adapter that docs/providers.md shows.

import { mapModel, type Model, type Usage } from "@fallback/stream";
import type { Load } from "./_packages.ts";
import { anthropic } from "./wires/anthropic.ts";
import { chat, mistral } from "./wires/chat.ts";
import { cohere } from "./wires/cohere.ts";
import { google } from "./wires/google.ts";
import { ollama } from "./wires/ollama.ts";
import { responses } from "./wires/responses.ts";
import type { Wire } from "./wires/wire.ts";

type Fetch = typeof fetch;

/** A client of an SDK as a model that streams texts. */
export interface SdkClient {
  readonly name: string;
  readonly wire: Wire;
  make(load: Load, fetch: Fetch, name: string): Promise<Model<string, string>>;
}

const apiKey = "key";
const model = "m";
const user = (content: string) => [{ role: "user" as const, content }];

/** The fields of a chat-completions chunk that the predicates read. */
interface ChatLike {
  readonly choices: readonly {
    readonly delta: { readonly content?: string | null };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
  } | null;
}

const chatPredicates = {
  isContent: ({ choices }: ChatLike) => Boolean(choices[0]?.delta.content),
  isFinal: ({ choices }: ChatLike) => Boolean(choices[0]?.finish_reason),
  usage: ({ usage }: ChatLike): Usage | undefined =>
    usage
      ? {
        inputTokens: usage.prompt_tokens,
        outputTokens: usage.completion_tokens,
      }
      : undefined,
};

/** A client of the chat-completions protocol, as `openai` and `groq-sdk` have it. */
interface ChatClient {
  readonly chat: {
    readonly completions: {
      create(
        body: {
          model: string;
          messages: ReturnType<typeof user>;
          stream: true;
        },
        options: { signal: AbortSignal },
      ): PromiseLike<AsyncIterable<ChatLike>>;
    };
  };
}

function chatModelOf(name: string, client: ChatClient) {
  return mapModel({
    name,
    ...chatPredicates,
    stream: (text: string, { signal }) =>
      client.chat.completions.create(
        { model, messages: user(text), stream: true },
        { signal },
      ),
  }, {
    request: (text: string) => text,
    chunk: ({ choices }) => choices[0]?.delta.content ?? undefined,
  });
}

export const SDK_CLIENTS: readonly SdkClient[] = [
  {
    name: "openai chat",
    wire: chat,
    async make(load, fetch, name) {
      const { OpenAI } = await load("openai");
      return chatModelOf(
        name,
        new OpenAI({ apiKey, fetch, maxRetries: 0 }),
      );
    },
  },
  {
    name: "openai responses",
    wire: responses,
    async make(load, fetch, name) {
      const { OpenAI } = await load("openai");
      const client = new OpenAI({ apiKey, fetch, maxRetries: 0 });
      return mapModel({
        name,
        stream: (input: string, { signal }) =>
          client.responses.create({ model, input, stream: true }, { signal }),
        isContent: (event) =>
          "delta" in event && typeof event.delta === "string" &&
          event.delta !== "",
        isFinal(event) {
          // These events are errors, and the SDK does not throw them.
          if (event.type === "error") throw new Error(event.message);
          if (event.type === "response.failed") {
            throw new Error(event.response.error?.message ?? "failed");
          }
          return event.type === "response.completed" ||
            event.type === "response.incomplete";
        },
      }, {
        request: (text: string) => text,
        chunk: (event) =>
          event.type === "response.output_text.delta" ? event.delta : undefined,
      });
    },
  },
  {
    name: "anthropic create",
    wire: anthropic,
    async make(load, fetch, name) {
      const { Anthropic } = await load("@anthropic-ai/sdk");
      const client = new Anthropic({ apiKey, fetch, maxRetries: 0 });
      return mapModel({
        name,
        stream: (text: string, { signal }) =>
          client.messages.create(
            { model, max_tokens: 99, messages: user(text), stream: true },
            { signal },
          ),
        isContent: (event) => event.type === "content_block_delta",
        isFinal: (event) => event.type === "message_stop",
        usage: (event) =>
          event.type === "message_start"
            ? {
              inputTokens: event.message.usage.input_tokens,
              outputTokens: event.message.usage.output_tokens,
            }
            : event.type === "message_delta"
            ? { outputTokens: event.usage.output_tokens }
            : undefined,
      }, {
        request: (text: string) => text,
        chunk: (event) =>
          event.type === "content_block_delta" &&
            event.delta.type === "text_delta"
            ? event.delta.text
            : undefined,
      });
    },
  },
  {
    name: "anthropic stream",
    wire: anthropic,
    async make(load, fetch, name) {
      const { Anthropic } = await load("@anthropic-ai/sdk");
      const client = new Anthropic({ apiKey, fetch, maxRetries: 0 });
      return mapModel({
        name,
        // Returns at once, so `openMs` does not apply: use `firstContentMs`.
        stream: (text: string, { signal }) =>
          client.messages.stream(
            { model, max_tokens: 99, messages: user(text) },
            { signal },
          ),
        isContent: (event) => event.type === "content_block_delta",
        isFinal: (event) => event.type === "message_stop",
      }, {
        request: (text: string) => text,
        chunk: (event) =>
          event.type === "content_block_delta" &&
            event.delta.type === "text_delta"
            ? event.delta.text
            : undefined,
      });
    },
  },
  {
    name: "google genai",
    wire: google,
    async make(load, fetch, name) {
      const { GoogleGenAI } = await load("@google/genai");
      const client = new GoogleGenAI({
        apiKey,
        httpOptions: { fetch: fetch as never },
      });
      return mapModel({
        name,
        stream: (contents: string, { signal }) =>
          client.models.generateContentStream({
            model,
            contents,
            config: { abortSignal: signal },
          }),
        isContent: (chunk) => Boolean(chunk.text),
        isFinal: ({ candidates, promptFeedback }) =>
          Boolean(candidates?.[0]?.finishReason ?? promptFeedback?.blockReason),
        usage: ({ usageMetadata }) => ({
          inputTokens: usageMetadata?.promptTokenCount,
          outputTokens: usageMetadata?.candidatesTokenCount,
        }),
      }, {
        request: (text: string) => text,
        chunk: ({ text }) => text || undefined,
      });
    },
  },
  {
    name: "mistral",
    wire: mistral,
    async make(load, fetch, name) {
      const { Mistral, HTTPClient } = await load("@mistralai/mistralai") as
        & typeof import("@mistralai/mistralai")
        & typeof import("@mistralai/mistralai/lib/http.js");
      const httpClient = new HTTPClient({ fetcher: fetch });
      const client = new Mistral({ apiKey, httpClient });
      return mapModel({
        name,
        stream: (text: string, { signal }) =>
          client.chat.stream({ model, messages: user(text) }, { signal }),
        isContent: ({ data }) => Boolean(data.choices[0]?.delta.content),
        isFinal: ({ data }) => Boolean(data.choices[0]?.finishReason),
        usage: ({ data: { usage } }) => ({
          inputTokens: usage?.promptTokens,
          outputTokens: usage?.completionTokens,
        }),
      }, {
        request: (text: string) => text,
        chunk({ data }) {
          const content = data.choices[0]?.delta.content;
          return typeof content === "string" && content ? content : undefined;
        },
      });
    },
  },
  {
    name: "ollama",
    wire: ollama,
    async make(load, fetch, name) {
      const { Ollama } = await load("ollama");
      return mapModel({
        name,
        async stream(text: string, { signal, stack }) {
          // `chat` takes no signal, and its iterator closes nothing, so each
          // attempt has a client of its own whose requests have the signal.
          const client = new Ollama({
            host: "http://fake.test",
            fetch: (url, init) => {
              const signals = init?.signal ? [signal, init.signal] : [signal];
              return fetch(url, { ...init, signal: AbortSignal.any(signals) });
            },
          });
          const stream = await client.chat({
            model,
            messages: user(text),
            stream: true,
          });
          stack.defer(() => stream.abort());
          return stream;
        },
        isContent: ({ message }) => message.content !== "",
        isFinal: ({ done }) => done,
        usage: ({ prompt_eval_count, eval_count }) => ({
          inputTokens: prompt_eval_count,
          outputTokens: eval_count,
        }),
      }, {
        request: (text: string) => text,
        chunk: ({ message }) => message.content || undefined,
      });
    },
  },
  {
    name: "groq",
    wire: chat,
    async make(load, fetch, name) {
      const { Groq } = await load("groq-sdk");
      return chatModelOf(name, new Groq({ apiKey, fetch, maxRetries: 0 }));
    },
  },
  {
    name: "cohere",
    wire: cohere,
    async make(load, fetch, name) {
      const { CohereClientV2 } = await load("cohere-ai");
      const client = new CohereClientV2({
        token: apiKey,
        fetch,
        maxRetries: 0,
      });
      return mapModel({
        name,
        stream: (text: string, { signal }) =>
          client.chatStream(
            { model, messages: user(text) },
            { abortSignal: signal },
          ),
        isContent: (event) =>
          event.type === "content-delta" &&
          Boolean(event.delta?.message?.content?.text),
        isFinal(event) {
          if (event.type !== "message-end") return false;
          const reason = event.delta?.finishReason;
          if (reason?.startsWith("ERROR")) {
            throw new Error(event.delta?.error ?? reason);
          }
          return true;
        },
      }, {
        request: (text: string) => text,
        chunk: (event) =>
          event.type === "content-delta"
            ? event.delta?.message?.content?.text || undefined
            : undefined,
      });
    },
  },
];
