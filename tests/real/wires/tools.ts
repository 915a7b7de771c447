// Answers that call the tool `look` with `{"city":"Rome"}`, and complete answers, for
// each protocol.

import { anthropic } from "./anthropic.ts";
import { chat } from "./chat.ts";
import { google } from "./google.ts";
import { responses } from "./responses.ts";
import { sse, typed, type Wire } from "./wire.ts";

const INPUT = '{"city":"Rome"}';

const delta = (delta: object, finish_reason: string | null = null) => ({
  id: "c1",
  object: "chat.completion.chunk",
  created: 1_700_000_000,
  model: "m",
  choices: [{ index: 0, delta, finish_reason }],
});

const call = (name: string | undefined, input: string) => ({
  tool_calls: [{
    index: 0,
    ...(name && { id: "t1", type: "function" }),
    function: { ...(name && { name }), arguments: input },
  }],
});

const item = (status: string, input: string) => ({
  type: "function_call",
  id: "f1",
  call_id: "t1",
  name: "look",
  arguments: input,
  status,
});

const usage = {
  input_tokens: 3,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 2,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 5,
};

const response = {
  id: "r1",
  object: "response",
  created_at: 1_700_000_000,
  model: "m",
  status: "completed",
  error: null,
  incomplete_details: null,
  usage,
};

/** The stream of a tool call. */
export const TOOL_CALLS: ReadonlyMap<Wire, string> = new Map([
  [
    chat,
    sse(
      delta({ role: "assistant", content: null, ...call("look", "") }),
      delta(call(undefined, INPUT.slice(0, 5))),
      delta(call(undefined, INPUT.slice(5))),
      delta({}, "tool_calls"),
    ) + "data: [DONE]\n\n",
  ],
  [
    responses,
    responses.preamble.split("event: response.output_item.added")[0]! +
    typed(
      {
        type: "response.output_item.added",
        ...{ output_index: 0, item: item("in_progress", "") },
      },
      {
        type: "response.function_call_arguments.delta",
        ...{ item_id: "f1", output_index: 0, delta: INPUT },
      },
      {
        type: "response.function_call_arguments.done",
        ...{ item_id: "f1", output_index: 0, arguments: INPUT },
      },
      {
        type: "response.output_item.done",
        ...{ output_index: 0, item: item("completed", INPUT) },
      },
      {
        type: "response.completed",
        ...{ response: { ...response, output: [item("completed", INPUT)] } },
      },
    ),
  ],
  [
    anthropic,
    anthropic.preamble.split("event: content_block_start")[0]! + typed(
      {
        type: "content_block_start",
        ...{
          index: 0,
          content_block: {
            type: "tool_use",
            id: "t1",
            name: "look",
            input: {},
          },
        },
      },
      {
        type: "content_block_delta",
        ...{
          index: 0,
          delta: { type: "input_json_delta", partial_json: INPUT },
        },
      },
    ) + anthropic.end.replace("end_turn", "tool_use"),
  ],
  [
    google,
    sse({
      candidates: [{
        content: {
          role: "model",
          parts: [{ functionCall: { name: "look", args: { city: "Rome" } } }],
        },
        finishReason: "STOP",
        index: 0,
      }],
      usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2 },
      modelVersion: "m",
    }),
  ],
]);

/** A complete answer, for `generateText`. */
export const WHOLE: ReadonlyMap<Wire, object> = new Map<Wire, object>([
  [chat, {
    id: "c1",
    object: "chat.completion",
    created: 1_700_000_000,
    model: "m",
    choices: [{
      index: 0,
      message: { role: "assistant", content: "Hel" },
      finish_reason: "stop",
    }],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  }],
  [responses, {
    ...response,
    output: [{
      type: "message",
      id: "m1",
      role: "assistant",
      status: "completed",
      content: [{ type: "output_text", text: "Hel", annotations: [] }],
    }],
  }],
  [anthropic, {
    id: "msg1",
    type: "message",
    role: "assistant",
    model: "m",
    content: [{ type: "text", text: "Hel" }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 3, output_tokens: 2 },
  }],
  [google, {
    candidates: [{
      content: { role: "model", parts: [{ text: "Hel" }] },
      finishReason: "STOP",
      index: 0,
    }],
    usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2 },
    modelVersion: "m",
  }],
]);
