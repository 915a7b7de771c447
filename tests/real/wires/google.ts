import { sse, type Wire } from "./wire.ts";

const usageMetadata = {
  promptTokenCount: 3,
  candidatesTokenCount: 2,
  totalTokenCount: 5,
};

function event(text: string, rest: object = {}): object {
  const content = { parts: [{ text }], role: "model" };
  return {
    candidates: [{ content, index: 0, ...rest }],
    usageMetadata,
    modelVersion: "m",
  };
}

/** The generateContent protocol of Gemini. */
export const google: Wire = {
  contentType: "text/event-stream",
  preamble: sse(event("")),
  content: sse(event("Hel")),
  end: sse(event("", { finishReason: "STOP" })),
  filtered: sse({
    candidates: [{ finishReason: "SAFETY", index: 0 }],
    usageMetadata,
    modelVersion: "m",
  }),
  error: sse({
    error: { code: 503, message: "overloaded", status: "UNAVAILABLE" },
  }),
  errorBody: JSON.stringify({
    error: {
      code: 429,
      message: "slow down",
      status: "RESOURCE_EXHAUSTED",
      details: [{
        "@type": "type.googleapis.com/google.rpc.RetryInfo",
        retryDelay: "7s",
      }],
    },
  }),
};
