import { typed, type Wire } from "./wire.ts";

const response = (status: string, rest: object = {}) => ({
  id: "r1",
  object: "response",
  created_at: 1_700_000_000,
  model: "m",
  status,
  error: null,
  incomplete_details: null,
  output: [],
  usage: null,
  ...rest,
});

const usage = {
  input_tokens: 3,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 2,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 5,
};

const item = (status: string, content: object[]) => ({
  id: "m1",
  type: "message",
  role: "assistant",
  status,
  content,
});
const text = (value: string) => ({
  type: "output_text",
  text: value,
  annotations: [],
});
const at = { item_id: "m1", output_index: 0, content_index: 0 };

/** The responses protocol of OpenAI. */
export const responses: Wire = {
  contentType: "text/event-stream",
  preamble: typed(
    {
      type: "response.created",
      ...{ sequence_number: 0, response: response("in_progress") },
    },
    {
      type: "response.output_item.added",
      ...{
        sequence_number: 1,
        output_index: 0,
        item: item("in_progress", []),
      },
    },
    {
      type: "response.content_part.added",
      ...{ ...at, sequence_number: 2, part: text("") },
    },
  ),
  content: typed({
    type: "response.output_text.delta",
    ...{ ...at, sequence_number: 3, delta: "Hel", logprobs: [] },
  }),
  end: typed(
    {
      type: "response.output_text.done",
      ...{ ...at, sequence_number: 4, text: "Hel", logprobs: [] },
    },
    {
      type: "response.output_item.done",
      ...{
        sequence_number: 5,
        output_index: 0,
        item: item("completed", [text("Hel")]),
      },
    },
    {
      type: "response.completed",
      ...{ sequence_number: 6, response: response("completed", { usage }) },
    },
  ),
  empty: typed({
    type: "response.completed",
    ...{ sequence_number: 6, response: response("completed", { usage }) },
  }),
  filtered: typed({
    type: "response.incomplete",
    ...{
      sequence_number: 6,
      response: response("incomplete", {
        usage,
        incomplete_details: { reason: "content_filter" },
      }),
    },
  }),
  error: typed({
    type: "error",
    ...{
      sequence_number: 9,
      code: "server_error",
      message: "overloaded",
      param: null,
      error: {
        type: "server_error",
        code: "server_error",
        message: "overloaded",
        param: null,
      },
    },
  }),
  errorBody: JSON.stringify({
    error: { message: "slow down", type: "rate_limit", code: "rate_limit" },
  }),
};
