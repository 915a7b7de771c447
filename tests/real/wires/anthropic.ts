import { typed, type Wire } from "./wire.ts";

const ending = (stop_reason: string) =>
  typed(
    { type: "content_block_stop", ...{ index: 0 } },
    {
      type: "message_delta",
      ...{
        delta: { stop_reason, stop_sequence: null },
        usage: { output_tokens: 2 },
      },
    },
    { type: "message_stop" },
  );

/** The messages protocol of Anthropic. */
export const anthropic: Wire = {
  contentType: "text/event-stream",
  preamble: typed(
    {
      type: "message_start",
      ...{
        message: {
          id: "msg1",
          type: "message",
          role: "assistant",
          model: "m",
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: 3, output_tokens: 1 },
        },
      },
    },
    {
      type: "content_block_start",
      ...{ index: 0, content_block: { type: "text", text: "" } },
    },
    { type: "ping" },
  ),
  content: typed({
    type: "content_block_delta",
    ...{ index: 0, delta: { type: "text_delta", text: "Hel" } },
  }),
  end: ending("end_turn"),
  filtered: ending("refusal"),
  error: typed({
    type: "error",
    ...{ error: { type: "overloaded_error", message: "Overloaded" } },
  }),
  errorBody: JSON.stringify({
    type: "error",
    error: { type: "rate_limit_error", message: "slow down" },
  }),
};
