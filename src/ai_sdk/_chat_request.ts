// From a chat-completions request to the options of a language model's call.
// Every field is converted, reported to `warn`, or refused with a `TypeError`.

import { assertObject } from "../_shared/arguments.ts";
import type { ChatRequest } from "../openai/mod.ts";
import {
  array,
  type Fields,
  number,
  object,
  reportOthers,
  string,
  strings,
  unsupported,
  type Warn,
} from "./_chat_fields.ts";
import { toPrompt } from "./_chat_prompt.ts";
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
} from "./specification.ts";

type CallOptions = LanguageModelV4CallOptions;

/** The converter of each field. `undefined`: the field is ignored on purpose. */
const CONVERTERS: Readonly<
  Record<
    string,
    (
      value: unknown,
      field: string,
      warn: Warn,
    ) => Partial<CallOptions> | undefined
  >
> = {
  // Set by the model itself, or read elsewhere.
  messages: () => undefined,
  model: () => undefined,
  stream: () => undefined,
  stream_options: () => undefined,
  max_tokens: (value, field) => ({ maxOutputTokens: number(value, field) }),
  max_completion_tokens: (value, field) => ({
    maxOutputTokens: number(value, field),
  }),
  temperature: (value, field) => ({ temperature: number(value, field) }),
  top_p: (value, field) => ({ topP: number(value, field) }),
  top_k: (value, field) => ({ topK: number(value, field) }),
  presence_penalty: (value, field) => ({
    presencePenalty: number(value, field),
  }),
  frequency_penalty: (value, field) => ({
    frequencyPenalty: number(value, field),
  }),
  seed: (value, field) => ({ seed: number(value, field) }),
  stop: (value, field) => ({ stopSequences: strings(value, field) }),
  tools: (value, _, warn) => ({ tools: toTools(value, warn) }),
  tool_choice: (value) => ({ toolChoice: toToolChoice(value) }),
  response_format: (value) => ({ responseFormat: toResponseFormat(value) }),
  providerOptions: (value, field) => ({
    providerOptions: object(value, field) as NonNullable<
      CallOptions["providerOptions"]
    >,
  }),
  n: (value) => {
    if (value === 1) return undefined;
    throw unsupported("n", value, "1, for a language model gives one answer");
  },
  functions: (value) => {
    throw unsupported("functions", value, "absent: use 'tools'");
  },
  function_call: (value) => {
    throw unsupported("function_call", value, "absent: use 'tool_choice'");
  },
};

/** Fields of which `false` changes nothing, so that it need not be reported. */
const OFF_BY_DEFAULT: ReadonlySet<string> = new Set([
  "background",
  "logprobs",
  "safe_prompt",
  "store",
]);

const FUNCTION_FIELDS = ["name", "description", "parameters", "strict"];

/**
 * Converts a request.
 *
 * @throws {TypeError} If a field is of the wrong kind, or cannot be left out.
 */
export async function toCallOptions(
  request: ChatRequest,
  model: LanguageModelV4,
  warn: Warn,
): Promise<CallOptions> {
  assertObject("request", request);
  const fields = request as unknown as Fields;
  const options: Partial<CallOptions> = {};
  for (const [field, value] of Object.entries(fields)) {
    if (value === undefined || value === null) continue;
    if (field === "reasoning_effort") {
      Object.assign(options, toReasoning(value, model, warn));
    } else if (Object.hasOwn(CONVERTERS, field)) {
      Object.assign(options, CONVERTERS[field]!(value, field, warn));
    } else if (value !== false || !OFF_BY_DEFAULT.has(field)) {
      warn(
        `'${field}' is not passed on: ${model.modelId} has no such setting, ` +
          "but its provider may have it among its 'providerOptions'",
        field,
      );
    }
  }
  if (isStrictOff(fields.response_format)) {
    warn(
      "'response_format.json_schema.strict' is not passed on",
      "response_format.json_schema.strict",
    );
  }
  const { max_completion_tokens: limit } = fields;
  if (typeof limit === "number") options.maxOutputTokens = limit;
  return { ...options, prompt: await toPrompt(request.messages, model, warn) };
}

function toReasoning(
  value: unknown,
  model: LanguageModelV4,
  warn: Warn,
): Partial<CallOptions> | undefined {
  if (model.specificationVersion === "v4") {
    return { reasoning: string(value, "reasoning_effort") as "low" };
  }
  warn(
    "'reasoning_effort' is not passed on: language models of specification " +
      "v3 have it among their 'providerOptions'",
    "reasoning_effort",
  );
  return undefined;
}

function isStrictOff(format: unknown): boolean {
  const { json_schema } = Object(format);
  return Object(json_schema).strict === false;
}

function toTools(
  value: unknown,
  warn: Warn,
): NonNullable<CallOptions["tools"]> {
  return array(value, "tools").map((tool, i) => {
    const path = `tools[${i}]`;
    const fields = object(tool, path);
    const { type, function: definition } = fields;
    if (type !== "function") {
      throw unsupported(`${path}.type`, type, '"function"');
    }
    reportOthers(fields, path, ["type", "function"], warn);
    const known = object(definition, `${path}.function`);
    const { name, description, parameters, strict } = known;
    reportOthers(known, `${path}.function`, FUNCTION_FIELDS, warn);
    return {
      type: "function",
      name: string(name, `${path}.function.name`),
      inputSchema: parameters ?? { type: "object", properties: {} },
      ...(typeof description === "string" && { description }),
      ...(typeof strict === "boolean" && { strict }),
    };
  });
}

function toToolChoice(value: unknown): NonNullable<CallOptions["toolChoice"]> {
  if (value === "auto" || value === "none" || value === "required") {
    return { type: value };
  }
  const { type, function: definition } = Object(value);
  const { name } = Object(definition);
  if (type === "function" && typeof name === "string") {
    return { type: "tool", toolName: name };
  }
  throw unsupported(
    "tool_choice",
    value,
    '"auto", "none", "required" or a function by its name',
  );
}

function toResponseFormat(
  value: unknown,
): NonNullable<CallOptions["responseFormat"]> {
  const { type, json_schema } = object(value, "response_format");
  if (type === "text") return { type: "text" };
  if (type === "json_object") return { type: "json" };
  if (type !== "json_schema") {
    throw unsupported(
      "response_format.type",
      type,
      '"text", "json_object" or "json_schema"',
    );
  }
  const path = "response_format.json_schema";
  const { schema, name, description } = object(json_schema, path);
  return {
    type: "json",
    ...(schema !== undefined && { schema: object(schema, `${path}.schema`) }),
    ...(typeof name === "string" && { name }),
    ...(typeof description === "string" && { description }),
  };
}
