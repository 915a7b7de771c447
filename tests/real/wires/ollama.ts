import type { Wire } from "./wire.ts";

function line(content: string, rest: object = { done: false }): string {
  return JSON.stringify({
    model: "m",
    created_at: "2026-01-01T00:00:00Z",
    message: { role: "assistant", content },
    ...rest,
  }) + "\n";
}

const counts = { prompt_eval_count: 3, eval_count: 2 };

/** The chat protocol of Ollama: one JSON object a line. */
export const ollama: Wire = {
  contentType: "application/x-ndjson",
  preamble: line(""),
  content: line("Hel"),
  end: line("", { done: true, done_reason: "stop", ...counts }),
  filtered: line("", { done: true, done_reason: "content_filter", ...counts }),
  error: '{"error":"overloaded"}\n',
  errorBody: '{"error":"slow down"}',
};
