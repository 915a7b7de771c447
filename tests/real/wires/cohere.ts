import { typed, type Wire } from "./wire.ts";

const usage = {
  billed_units: { input_tokens: 3, output_tokens: 2 },
  tokens: { input_tokens: 3, output_tokens: 2 },
};
const ending = (finish_reason: string, rest: object = {}) =>
  typed({
    type: "message-end",
    ...{ delta: { finish_reason, usage, ...rest } },
  });

/** The chat protocol, version 2, of Cohere. */
export const cohere: Wire = {
  contentType: "text/event-stream",
  preamble: typed(
    {
      type: "message-start",
      ...{
        id: "co1",
        delta: {
          message: {
            role: "assistant",
            content: [],
            tool_plan: "",
            tool_calls: [],
            citations: [],
          },
        },
      },
    },
    {
      type: "content-start",
      ...{
        index: 0,
        delta: { message: { content: { type: "text", text: "" } } },
      },
    },
  ),
  content: typed({
    type: "content-delta",
    ...{ index: 0, delta: { message: { content: { text: "Hel" } } } },
  }),
  end: typed({ type: "content-end", ...{ index: 0 } }) + ending("COMPLETE"),
  filtered: ending("ERROR_TOXIC"),
  error: ending("ERROR", { error: "overloaded" }),
  errorBody: JSON.stringify({ message: "slow down" }),
};
