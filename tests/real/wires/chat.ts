import { sse, type Wire } from "./wire.ts";

function chunk(delta: object, finish_reason: string | null = null): object {
  return {
    id: "c1",
    object: "chat.completion.chunk",
    created: 1_700_000_000,
    model: "m",
    choices: [{ index: 0, delta, finish_reason }],
  };
}

const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const done = "data: [DONE]\n\n";
const ending = (reason: string) =>
  sse(chunk({}, reason), { ...chunk({}), choices: [], usage }) + done;

const endingWithUsage = (reason: string) =>
  sse({ ...chunk({ content: "" }, reason), usage }) + done;

/** The chat-completions protocol of OpenAI and many others. */
export const chat: Wire = {
  contentType: "text/event-stream",
  preamble: sse(chunk({ role: "assistant", content: "" })),
  content: sse(chunk({ content: "Hel" })),
  end: ending("stop"),
  filtered: ending("content_filter"),
  error: sse({
    error: { message: "overloaded", type: "server_error", code: 503 },
  }),
  errorBody: JSON.stringify({
    error: { message: "slow down", type: "rate_limit", code: "rate_limit" },
  }),
};

/** The same with the usage in the chunk of the finish reason. */
export const mistral: Wire = {
  ...chat,
  end: endingWithUsage("stop"),
  filtered: endingWithUsage("content_filter"),
};
