// What servers send, byte for byte, and the expected result. Each new bug report
// becomes a row.

/** How a body ends. */
type End =
  /** It is complete. */
  | "eof"
  /** The connection breaks. */
  | "break"
  /** The connection stays open, and sends no more data. */
  | "hang";

/** One kind of response of a server. */
export interface Dialect {
  readonly name: string;
  /** A public report, documentation, or `undefined` for a variant of a row. */
  readonly source?: string;
  readonly body: string;
  readonly end?: End;
  readonly contentType?: string;
  /** The request's `n`. */
  readonly n?: number;
  /**
   * How the stream ends for the caller: `complete`, or the name of the error.
   */
  readonly outcome:
    | "complete"
    | "StreamError"
    | "EmptyStreamError"
    | "TruncatedStreamError"
    | "TypeError";
  /** The text of the first choice. */
  readonly text: string;
  readonly status?: number;
  /** The message of the error. */
  readonly message?: string;
  /** The total of tokens that is reported. */
  readonly tokens?: number;
}

/** An event of an event stream. */
const event = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`;

/** A chunk of text. */
const say = (content: unknown): string =>
  event({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });

const finish = (reason: unknown = "stop"): string =>
  event({ choices: [{ index: 0, delta: {}, finish_reason: reason }] });

const delta = (fields: object): string =>
  event({ choices: [{ delta: fields }] });

const DONE = "data: [DONE]\n\n";
const HELLO = say("Hel") + say("lo ☃");
const HELLO_TEXT = "Hello ☃";

const TRUNCATED = 'Stream of "m" ended before its final chunk (isFinal)';

/** The message for data that are no chunk. */
const noChunk = (text: string): string =>
  `Cannot read an event of the stream as it is not a JSON object: ${text}`;

/** The message for a body that is no answer. */
const noStream = (text: string, type = "text/event-stream"): string =>
  `Cannot read the answer (content type '${type}') as it is neither an event stream nor a chat completion: ${text}`;

/** The message for a filter that withholds everything. */
const filtered = (reason: string): string =>
  `The answer was filtered: it has no content, and finish_reason "${reason}"`;

/** A whole completion, as without `stream`. */
const completion = (fields: object = {}): object => ({
  id: "c1",
  object: "chat.completion",
  choices: [{
    index: 0,
    message: { role: "assistant", content: HELLO_TEXT },
    finish_reason: "stop",
  }],
  usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
  ...fields,
});

/** What is known of an error, and from where. */
type ExpectedError = Pick<Dialect, "source" | "status" | "message">;

/** An error after text. It must not be taken for the end of the answer. */
const afterText = (
  name: string,
  error: string,
  expected: ExpectedError,
): Dialect => ({
  name: `${name}, after text`,
  body: HELLO + error + DONE,
  outcome: "StreamError",
  text: HELLO_TEXT,
  ...expected,
});

const beforeText = (
  name: string,
  error: string,
  expected: ExpectedError,
): Dialect => ({
  ...afterText(name, error, expected),
  name: `${name}, before text`,
  body: error + DONE,
  text: "",
});

/** The rows for an error of each shape: before any text, and after some. */
function errorRows(): Dialect[] {
  const shapes: [
    name: string,
    error: string,
    expected: ExpectedError,
  ][] = [
    ["an error object", event({ error: { message: "Busy", code: 503 } }), {
      status: 503,
      message: "503 Busy",
    }],
    ["the field error", 'error: {"code":500,"message":"compute failed"}\n\n', {
      source: "ggml-org/llama.cpp#16109",
      status: 500,
      message: "500 compute failed",
    }],
    ["the field error as text", "error:compute failed\n\n", {
      message: "compute failed",
    }],
    [
      "choices null",
      event({
        choices: null,
        error_type: "BadRequestError",
        error_message: "context too long",
      }),
      {
        source: "NousResearch/hermes-agent#65631",
        status: 400,
        message: "400 context too long",
      },
    ],
    [
      "an error in a choice",
      event({
        choices: [{
          delta: { content: "" },
          finish_reason: "stop",
          error: { code: 502, message: "Provider disconnected" },
        }],
      }),
      {
        source: "OpenRouter API reference",
        status: 502,
        message: "502 Provider disconnected",
      },
    ],
    [
      "an error in a choice that ends with error",
      event({
        choices: [{
          delta: {},
          finish_reason: "error",
          error: { code: 429, message: "Rate limited upstream" },
        }],
      }),
      {
        source: "OpenRouter API reference",
        status: 429,
        message: "429 Rate limited upstream",
      },
    ],
    [
      "an error in the second choice",
      event({
        choices: [{ index: 0, delta: {} }, {
          index: 1,
          delta: {},
          error: { message: "Down", code: 503 },
        }],
      }),
      { status: 503, message: "503 Down" },
    ],
    [
      "an error in a delta",
      event({
        choices: [{ delta: { error: { message: "Down", code: 500 } } }],
      }),
      { status: 500, message: "500 Down" },
    ],
    [
      "a bare line of JSON",
      '{"error":{"message":"Rate limited","code":429}}\n\n',
      {
        source: "googleapis/js-genai#1973",
        status: 429,
        message: "429 Rate limited",
      },
    ],
    [
      "bare JSON over several lines",
      '[{\n  "error": {\n    "code": 429,\n    "message": "Quota"\n  }\n}]\n\n',
      {
        source: "Gemini",
        status: 429,
        message: "429 Quota",
      },
    ],
    ["an error event", 'event: error\ndata: {"message":"Busy"}\n\n', {
      message: "Busy",
    }],
    ["an error event of text", "event: error\ndata: Out of memory\n\n", {
      message: "Out of memory",
    }],
    ["an error event without data", "event: error\n\n", {
      message: "Server sent an error",
    }],
    [
      "an error in the name of an event",
      'event: {"error":{"message":"Busy","code":503}}\n\n',
      { status: 503, message: "503 Busy" },
    ],
    [
      "an error event with an error",
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
      {
        source: "Anthropic",
        status: 529,
        message: "529 Overloaded",
      },
    ],
    [
      "a code instead of a status",
      event({
        error: { message: "Slow down", code: "rate_limit_exceeded" },
      }),
      {
        source: "NousResearch/hermes-agent#58017",
        status: 429,
        message: "429 Slow down",
      },
    ],
    [
      "a class for a status",
      event({
        object: "error",
        message: "too long",
        type: "BadRequestError",
        code: null,
      }),
      { source: "vLLM", status: 400, message: "400 too long" },
    ],
    [
      "gRPC's status",
      event({
        error: { message: "Try later", status: "RESOURCE_EXHAUSTED" },
      }),
      { source: "Gemini", status: 429, message: "429 Try later" },
    ],
    [
      "a status in a comment",
      'id:1\nevent:error\n:HTTP_STATUS/429\ndata:{"code":"LimitBurst","message":"Requests too fast"}\n\n',
      {
        source: "DashScope",
        status: 429,
        message: "429 Requests too fast",
      },
    ],
    [
      "throttling",
      event({
        code: "Throttling.RateQuota",
        message: "Requests rate limit exceeded",
        request_id: "r",
      }),
      {
        source: "DashScope",
        status: 429,
        message: "429 Requests rate limit exceeded",
      },
    ],
    [
      "base_resp",
      event({
        choices: null,
        base_resp: { status_code: 1002, status_msg: "rate limit" },
      }),
      { source: "MiniMax", status: 429, message: "429 rate limit" },
    ],
    [
      "a list of errors",
      event({
        success: false,
        errors: [{ code: 7003, message: "Could not route" }],
      }),
      { source: "anomalyco/opencode#23773", message: "Could not route" },
    ],
    ["error: true", event({ error: true, message: "Broken", code: 500 }), {
      status: 500,
      message: "500 Broken",
    }],
    [
      "an error in an error",
      event({
        error: { error: { message: "Inner", code: 503 } },
      }),
      { status: 503, message: "503 Inner" },
    ],
    ["msg", event({ code: 1001, msg: "Bad" }), { message: "Bad" }],
    ["a list of details", event({ detail: [{ msg: "field required" }] }), {
      source: "FastAPI",
      message: "field required",
    }],
    [
      "a failed response",
      event({
        type: "response.failed",
        response: { error: { code: "server_error", message: "Failed" } },
      }),
      { source: "OpenAI", status: 500, message: "500 Failed" },
    ],
    [
      "an error in x_groq",
      event({
        choices: [{ delta: {} }],
        x_groq: { id: "r", error: "over capacity" },
      }),
      { source: "groq-sdk", message: "over capacity" },
    ],
    [
      "a string with a type",
      event({
        error: "Model is overloaded",
        error_type: "overloaded",
      }),
      {
        source: "huggingface/text-generation-inference",
        status: 529,
        message: "529 Model is overloaded",
      },
    ],
    [
      "a status beside the error",
      event({
        error: { message: "Slow down" },
        status: 429,
      }),
      { status: 429, message: "429 Slow down" },
    ],
    [
      "a name, a message and a status",
      event({
        statusCode: 500,
        error: "Internal Server Error",
        message: "Boom",
      }),
      { status: 500, message: "500 Boom" },
    ],
    [
      "error_message in a choice",
      event({
        choices: [{ delta: {}, error_message: "Filtered", error_code: 400 }],
      }),
      { status: 400, message: "400 Filtered" },
    ],
    ["success: false", event({ success: false, code: 503 }), {
      status: 503,
      message: "503 503",
    }],
    ["only success: false", event({ success: false, result: "busy" }), {
      message: '{"success":false,"result":"busy"}',
    }],
    [
      "a list with an error",
      event([
        { error: { message: "Busy", code: 503 } },
        { choices: [{ delta: { content: "Sorry" } }] },
      ]),
      {
        source: "Gemini",
        status: 503,
        message: "503 Busy",
      },
    ],
    ["an error as a string", event({ error: "STREAM_EXPLODED" }), {
      source: "fox1245/NeoGraph#124",
      message: "STREAM_EXPLODED",
    }],
    ["an error in a comment", ':{"error":{"message":"Busy","code":503}}\n\n', {
      status: 503,
      message: "503 Busy",
    }],
    [
      "an error in any other field",
      'id: {"error":{"message":"Busy","code":503}}\n\n',
      { status: 503, message: "503 Busy" },
    ],
    [
      "an error over several lines and a chunk after it",
      '{"error":\n "Busy"\n , "code": 503}\n' + say("Sorry"),
      { status: 503, message: "503 Busy" },
    ],
    ["text in a message event", "event: message\ndata: x\n\n", {
      message: noChunk("x"),
    }],
    [
      "text before JSON in one event",
      'data: x\ndata: {"choices":[]}\n\n',
      { message: noChunk('x {"choices":[]}') },
    ],
    [
      "a space that is not of JSON",
      'data: \u00a0{"choices":[]}\n\n',
      { message: noChunk('{"choices":[]}') },
    ],
    ["malformed JSON", 'data: {"choices": [{"del\n\n', {
      message: noChunk('{"choices": [{"del'),
    }],
    ["a number", "data: 17\n\n", { message: noChunk("17") }],
  ];
  return shapes.flatMap(([name, error, expected]) => [
    beforeText(name, error, expected),
    afterText(name, error, expected),
  ]);
}

/** The rows for a `finish_reason` that means failure. */
function failedFinishRows(): Dialect[] {
  const reasons: {
    reason: unknown;
    /** As the message shows it, where that is not as it is sent. */
    shown?: string;
    source?: string;
    status?: number;
  }[] = [
    { reason: "error", source: "OpenRouter" },
    {
      reason: "insufficient_system_resource",
      source: "DeepSeek API reference",
      status: 503,
    },
    { reason: "network_error", source: "BerriAI/litellm#24373" },
    { reason: "abort", source: "vllm-project/vllm#57082" },
    {
      reason: { type: "abort", message: "overloaded", status_code: 503 },
      shown: '"abort": overloaded',
      source: "SGLang",
      status: 503,
    },
    {
      reason: { type: "abort", message: "abort" },
      shown: '"abort"',
    },
    { reason: { type: "error", message: "Boom" }, shown: '"error": Boom' },
    { reason: "ERROR", source: "Cohere" },
    { reason: "malformed_function_call", source: "Gemini" },
    {
      reason: "function_call_filter: MALFORMED_FUNCTION_CALL",
      shown: '"function_call_filter: MALFORMED_FUNCTIO…"',
      source: "Gemini",
    },
    { reason: "connection-lost" },
    { reason: "Incomplete" },
    { reason: "cancelled" },
    { reason: "timeout", source: "a gateway", status: 504 },
    { reason: "upstream_error", status: 502 },
    { reason: "engine_overloaded", source: "Moonshot", status: 503 },
  ];
  return reasons.map(({ reason, shown, ...expected }) => ({
    name: `finish_reason ${JSON.stringify(reason)}`,
    body: HELLO + finish(reason) + DONE,
    outcome: "StreamError",
    text: HELLO_TEXT,
    message: `Server ended the stream with finish_reason ${
      shown ?? JSON.stringify(reason)
    }`,
    ...expected,
  }));
}

/** The rows for deltas that are content without text. */
function contentRows(): Dialect[] {
  const fields: [string, object, string?][] = [
    ["an image", {
      content: "",
      images: [{ type: "image_url", image_url: { url: "data:image/png;…" } }],
    }, "agentjido/req_llm#933"],
    ["reasoning", { reasoning: "Hm" }],
    ["reasoning_content", { reasoning_content: "Hm" }],
    ["reasoning_details", {
      reasoning_details: [{ type: "reasoning.text", text: "Hm" }],
    }, "laravel/ai#813"],
    ["encrypted reasoning", {
      reasoning_details: [{ type: "reasoning.encrypted", data: "x" }],
    }],
    ["thinking_blocks", { thinking_blocks: [{ thinking: "Hm" }] }, "LiteLLM"],
    ["thinking", { thinking: "Hm" }],
    ["a refusal", { refusal: "No" }],
    ["audio", { audio: { id: "a", data: "x" } }],
    ["a tool call", {
      tool_calls: [{ index: 0, function: { name: "f" } }],
    }],
    ["a function call", { function_call: { name: "f", arguments: "" } }],
    ["parts", { content: [{ type: "thinking", thinking: "Hm" }] }, "Mistral"],
    [
      "executed tools",
      { executed_tools: [{ type: "search", output: "x" }] },
      "Groq",
    ],
    ["an unknown field", { hologram: "x" }],
  ];
  return fields.map(([name, fields, source]) => ({
    name: `${name} is content`,
    ...(source !== undefined && { source }),
    body: delta(fields) + finish() + DONE,
    outcome: "complete",
    text: "",
  }));
}

/** The rows for deltas that are not content. */
function emptyRows(): Dialect[] {
  const fields: [string, object][] = [
    ["a role", { role: "assistant", content: "" }],
    ["an empty role", { role: "", reasoning_content: "" }],
    ["nulls", { content: null, refusal: null, tool_calls: null }],
    ["empty lists", { tool_calls: [], images: [], reasoning_details: [] }],
    ["an empty part", { content: [{ type: "text", text: "" }] }],
    ["fields of LiteLLM", {
      provider_specific_fields: { a: "b" },
      content: "",
    }],
    ["citations", { annotations: [{ url_citation: { url: "u" } }] }],
    ["a flag", { is_partial: false, content: "" }],
  ];
  return fields.map(([name, fields]) => ({
    name: `${name} is not content`,
    body: delta(fields) + finish("length") + DONE,
    outcome: "EmptyStreamError",
    text: "",
    message:
      'Stream of "m" ended without content, finish_reason "length" (set allowEmpty to accept this)',
  }));
}

const WHOLE: readonly Dialect[] = [
  {
    name: "a whole completion",
    source: "mistralai/mistral-vibe#619",
    contentType: "application/json",
    body: JSON.stringify(completion()),
    outcome: "complete",
    text: HELLO_TEXT,
    tokens: 7,
  },
  {
    name: "a whole completion over several lines",
    body: JSON.stringify(completion(), null, 2) + "\n",
    outcome: "complete",
    text: HELLO_TEXT,
    tokens: 7,
  },
  {
    name: "a whole completion over several lines that are not indented",
    body: JSON.stringify(completion(), null, 1).replace(/\n +/g, "\n"),
    outcome: "complete",
    text: HELLO_TEXT,
    tokens: 7,
  },
  {
    name: "a whole completion with a delta and no finish_reason",
    body: JSON.stringify(completion({
      choices: [{ delta: { content: HELLO_TEXT } }],
    })),
    outcome: "complete",
    text: HELLO_TEXT,
    tokens: 7,
  },
  {
    name: "a whole completion with an empty second choice",
    body: JSON.stringify({
      choices: [{ message: { content: HELLO_TEXT } }, { index: 1 }],
    }),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "a whole completion with an object on a line of its own",
    body: JSON.stringify(completion({ notes: ["?"] }), null, 1)
      .replace('"?"', '{"message":"this is no error"}'),
    outcome: "complete",
    text: HELLO_TEXT,
    tokens: 7,
  },
  {
    name: "a whole completion after white space",
    body: `\r\n\n  ${JSON.stringify(completion())}\r\n`,
    outcome: "complete",
    text: HELLO_TEXT,
    tokens: 7,
  },
  {
    name: "a whole completion whose connection stays open",
    body: JSON.stringify(completion()),
    end: "hang",
    outcome: "complete",
    text: HELLO_TEXT,
    tokens: 7,
  },
  {
    name: "a whole completion whose connection breaks",
    body: JSON.stringify(completion()),
    end: "break",
    outcome: "complete",
    text: HELLO_TEXT,
    tokens: 7,
  },
  {
    name: "a whole completion without a finish_reason",
    body: JSON.stringify({
      choices: [{ message: { content: HELLO_TEXT } }],
    }),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "a whole completion that failed",
    body: JSON.stringify(completion({
      choices: [{ message: { content: "Hel" }, finish_reason: "abort" }],
    })),
    outcome: "StreamError",
    text: "Hel",
    message: 'Server ended the stream with finish_reason "abort"',
  },
  {
    name: "a whole completion in an event",
    body: event(completion({ object: "chat.completion.chunk" })) + DONE,
    outcome: "complete",
    text: HELLO_TEXT,
    tokens: 7,
  },
  {
    name: "a truncated whole completion",
    body: JSON.stringify(completion()).slice(0, -20),
    outcome: "StreamError",
    text: "",
    message: noStream(
      '{"id":"c1","object":"chat.completion","choices":[{"index":0,"message":{"role":"…',
    ),
  },
  {
    name: "lines of JSON",
    source: "danny-avila/LibreChat#4861",
    body: (HELLO + finish()).replaceAll("data: ", "").replaceAll("\n\n", "\n"),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "indented lines of JSON",
    body: (HELLO + finish()).replaceAll("data: ", "  ")
      .replaceAll("\n\n", "\n"),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "chunks of JSON over several lines",
    body: (HELLO + finish()).replaceAll(
      /data: (.*)\n/g,
      (_, json) => JSON.stringify(JSON.parse(json), null, 1),
    ),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "lines of JSON with text in place of a delta",
    body: '{"choices":[{"text":"Hel"}]}\n{"choices":[{"text":"lo ☃"}]}\n' +
      '{"choices":[{"finish_reason":"stop"}]}\n',
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "lines of JSON with an error",
    body: (HELLO + event({ error: { message: "Busy", code: 503 } }))
      .replaceAll("data: ", "").replaceAll("\n\n", "\n"),
    outcome: "StreamError",
    text: HELLO_TEXT,
    status: 503,
    message: "503 Busy",
  },
  {
    name: "an error as a whole answer",
    contentType: "application/json",
    body: '{"error":{"message":"No credit","code":402}}',
    outcome: "StreamError",
    text: "",
    status: 402,
    message: "402 No credit",
  },
  {
    name: "an error as an unframed body of an event stream",
    source: "lemonade-sdk/lemonade#3448",
    body: '{"error":{"message":"Rate limited","code":429}}',
    outcome: "StreamError",
    text: "",
    status: 429,
    message: "429 Rate limited",
  },
  {
    name: "an error over several lines, connection open",
    body: '{\n "error": {\n  "message": "Rate limited",\n  "code": 429\n }\n}',
    end: "hang",
    outcome: "StreamError",
    text: "",
    status: 429,
    message: "429 Rate limited",
  },
  {
    name: "an error over several lines after text, connection open",
    body: HELLO +
      'noise\n{"errors":[\n],"error":{"message":"Busy","code":503}}\n',
    end: "hang",
    outcome: "StreamError",
    text: HELLO_TEXT,
    status: 503,
    message: "503 Busy",
  },
  {
    name: "an error after a line of text",
    body: 'Sorry\n{"error":{"message":"Rate limited","code":429}}\n',
    outcome: "StreamError",
    text: "",
    status: 429,
    message: "429 Rate limited",
  },
  {
    name: "an HTML page",
    contentType: "text/html",
    body: "<!doctype html>\n<p>Please log in</p>",
    outcome: "StreamError",
    text: "",
    message: noStream("<!doctype html> <p>Please log in</p>", "text/html"),
  },
  {
    name: "an HTML page whose connection stays open",
    body: "<!doctype html>\n<p>Please log in</p>",
    end: "hang",
    outcome: "StreamError",
    text: "",
    message: noStream("<!doctype html> <p>Please log in</p>"),
  },
  {
    name: "JSON of another kind",
    body: '{"not":"a stream"}',
    outcome: "StreamError",
    text: "",
    message: noStream('{"not":"a stream"}'),
  },
  {
    name: "JSON of another kind, after text",
    body: `${HELLO}{"not":"a stream"}\n`,
    outcome: "TruncatedStreamError",
    text: HELLO_TEXT,
    message: TRUNCATED,
  },
  {
    name: "plain text",
    body: "Internal Server Error",
    outcome: "StreamError",
    text: "",
    message: noStream("Internal Server Error"),
  },
  {
    name: "an empty body",
    body: "",
    outcome: "TruncatedStreamError",
    text: "",
    message: TRUNCATED,
  },
];

const ENDS: readonly Dialect[] = [
  {
    name: "finish_reason and [DONE]",
    body: HELLO + finish() + DONE,
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "an event stream with the content type of JSON",
    source: "vllm-project/vllm-ascend#6985",
    contentType: "application/json",
    body: HELLO + finish() + DONE,
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "an event stream with the content type of HTML",
    contentType: "text/html",
    body: `: keep-alive\n\n${HELLO}${DONE}`,
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "an error in an event stream with the content type of JSON",
    contentType: "application/json",
    body: event({ error: { message: "Busy", code: 429 } }),
    outcome: "StreamError",
    text: "",
    status: 429,
    message: "429 Busy",
  },
  {
    name: "[DONE] alone",
    body: HELLO + DONE,
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "[DONE] and nothing else",
    body: DONE,
    outcome: "EmptyStreamError",
    text: "",
    message:
      'Stream of "m" ended without content (set allowEmpty to accept this)',
  },
  {
    name: "[done] in lower case",
    body: HELLO + "data: [done]\n\n",
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "[DONE] in quotes",
    body: HELLO + 'data: "[DONE]"\n\n',
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "finish_reason alone",
    source: "yologdev/yoagent#77",
    body: HELLO + finish(),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "neither",
    body: HELLO,
    outcome: "TruncatedStreamError",
    text: HELLO_TEXT,
    message: TRUNCATED,
  },
  {
    name: "a truncated event",
    body: HELLO + 'data: {"choices":[{"del',
    outcome: "TruncatedStreamError",
    text: HELLO_TEXT,
    message: TRUNCATED,
  },
  {
    name: "no blank line after the finish_reason",
    source: "openai/openai-node#2725",
    body: HELLO + finish().trimEnd() + "\n",
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "no line end after the finish_reason",
    body: HELLO + finish().trimEnd(),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "no blank line after [DONE]",
    source: "darshi1337/apogee#139",
    body: HELLO + "data: [DONE]",
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "an error without a blank line",
    body: HELLO + event({ error: { message: "Busy", code: 503 } }).trimEnd(),
    outcome: "StreamError",
    text: HELLO_TEXT,
    status: 503,
    message: "503 Busy",
  },
  {
    name: "no blank line, and the connection breaks",
    body: HELLO + finish().trimEnd() + "\n",
    end: "break",
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "an error without a blank line, and the connection breaks",
    body: HELLO + event({ error: { message: "Busy", code: 503 } }).trimEnd(),
    end: "break",
    outcome: "StreamError",
    text: HELLO_TEXT,
    status: 503,
    message: "503 Busy",
  },
  {
    name: "text after the finish_reason, then a hang",
    body: say("Hel") + finish() + say("lo ☃") + finish(),
    end: "hang",
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "the connection breaks after the finish_reason",
    body: HELLO + finish(),
    end: "break",
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "a hang after the finish_reason",
    body: HELLO + finish(),
    end: "hang",
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "usage after the finish_reason, then a hang",
    body: HELLO + finish() + event({ choices: [], usage: { total_tokens: 9 } }),
    end: "hang",
    outcome: "complete",
    text: HELLO_TEXT,
    tokens: 9,
  },
  {
    name: "an error after the finish_reason",
    body: HELLO + finish() + event({ error: { message: "late" } }),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "the connection breaks before the finish_reason",
    body: HELLO,
    end: "break",
    outcome: "TypeError",
    text: HELLO_TEXT,
    message: "reset",
  },
  {
    name: "usage in a choice",
    source: "Moonshot",
    body: HELLO + event({
      choices: [{
        delta: {},
        finish_reason: "stop",
        usage: { total_tokens: 5 },
      }],
    }) + DONE,
    outcome: "complete",
    text: HELLO_TEXT,
    tokens: 5,
  },
  {
    name: "usage in x_groq",
    source: "Groq",
    body: HELLO + event({
      choices: [{ delta: {}, finish_reason: "stop" }],
      x_groq: { usage: { total_tokens: 6 } },
    }) + DONE,
    outcome: "complete",
    text: HELLO_TEXT,
    tokens: 6,
  },
  {
    name: "an unknown finish_reason",
    body: HELLO + finish("enough_said") + DONE,
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "a finish_reason that is an object",
    source: "SGLang",
    body: HELLO + finish({ type: "stop", matched: 2 }) + DONE,
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "a filter that withholds everything",
    source: "microsoft/semantic-kernel#5289",
    body: finish("content_filter") + DONE,
    outcome: "StreamError",
    text: "",
    status: 400,
    message: filtered("content_filter"),
  },
  {
    name: "a filter of Zhipu that withholds everything",
    body: finish("sensitive"),
    outcome: "StreamError",
    text: "",
    status: 400,
    message: filtered("sensitive"),
  },
  {
    name: "a filter of Gemini that withholds everything",
    body: finish("content_filter: PROHIBITED_CONTENT") + DONE,
    outcome: "StreamError",
    text: "",
    status: 400,
    message: filtered("content_filter: PROHIBITED_CONTENT"),
  },
  {
    name: "a filter that withholds the rest",
    body: HELLO + finish("content_filter") + DONE,
    outcome: "complete",
    text: HELLO_TEXT,
  },
];

const CHOICES: readonly Dialect[] = [
  {
    name: "two choices, both finished",
    n: 2,
    body: HELLO + event({ choices: [{ index: 1, delta: { content: "x" } }] }) +
      finish() + event({ choices: [{ index: 1, finish_reason: "stop" }] }),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "two choices, one finished",
    n: 2,
    body: HELLO + event({ choices: [{ index: 1, delta: { content: "x" } }] }) +
      finish(),
    outcome: "TruncatedStreamError",
    text: HELLO_TEXT,
    message: TRUNCATED,
  },
  {
    name: "two choices, one finished, and [DONE]",
    n: 2,
    body: HELLO + event({ choices: [{ index: 1, delta: { content: "x" } }] }) +
      finish() + DONE,
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "two choices, the second fails",
    n: 2,
    body: HELLO + finish() +
      event({ choices: [{ index: 1, delta: {}, finish_reason: "error" }] }),
    outcome: "StreamError",
    text: HELLO_TEXT,
    message: 'Server ended the stream with finish_reason "error"',
  },
  {
    name: "two choices one after the other, with an error between",
    n: 2,
    body: HELLO + finish() + event({ error: { message: "Busy", code: 503 } }),
    outcome: "StreamError",
    text: HELLO_TEXT,
    status: 503,
    message: "503 Busy",
  },
  {
    name: "no choice asked for, and an error",
    n: 0,
    body: event({ error: { message: "Busy", code: 503 } }),
    outcome: "StreamError",
    text: "",
    status: 503,
    message: "503 Busy",
  },
  {
    name: "a server that ignores n",
    n: 2,
    body: HELLO + finish(),
    outcome: "complete",
    text: HELLO_TEXT,
  },
];

const FRAMES: readonly Dialect[] = [
  {
    name: "a list of chunks in an event",
    body: event([
      null,
      { choices: [{ message: { content: "Hel" } }] },
      { choices: [{ delta: { content: "lo ☃" } }] },
    ]) + finish(),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "only a status in a comment",
    body: ":HTTP_STATUS/503\n\n",
    outcome: "StreamError",
    text: "",
    status: 503,
    message: "503 Server sent an error",
  },
  {
    name: "a status in a comment after text",
    body: `${HELLO}:HTTP_STATUS/503\n\n`,
    outcome: "TruncatedStreamError",
    text: HELLO_TEXT,
    message: TRUNCATED,
  },
  {
    name: "text with a status in a comment",
    body: ":HTTP_STATUS/503\nSorry\n",
    outcome: "StreamError",
    text: "",
    status: 503,
    message: noStream("Sorry"),
  },
  {
    name: "only comments and ids",
    body: ": keep-alive\n\nid: 1\nretry: 10\n\n",
    outcome: "TruncatedStreamError",
    text: "",
    message: TRUNCATED,
  },
  {
    name: "lines that end with CRLF",
    body: (HELLO + finish() + DONE).replaceAll("\n", "\r\n"),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "lines that end with CR",
    body: (HELLO + finish() + DONE).replaceAll("\n", "\r"),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "a byte order mark",
    body: `\uFEFF${HELLO}${finish()}${DONE}`,
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "no space after the colon",
    body: (HELLO + finish() + DONE).replaceAll("data: ", "data:"),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "comments, ids and empty events",
    source: "OpenRouter",
    body:
      `: OPENROUTER PROCESSING\n\n:\n\nid: 1\nretry: 10\n\ndata:\n\n${HELLO}` +
      `event: ping\n\n: x\n${finish()}${DONE}`,
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "a ping with a time",
    source: "waylaidwanderer/node-chatgpt-api#100",
    body: `${say("Hel")}event: ping\ndata: 2023-11-05 13:23:02\n\n` +
      `event: ping\ndata: 1699190582\n\n${say("lo ☃")}${finish()}${DONE}`,
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "chunks in named events",
    body: (HELLO + finish()).replaceAll("data: ", "event: message\ndata: ") +
      `event: done\ndata: [DONE]\n\n`,
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "one line end between events",
    source: "anomalyco/opencode#27365",
    body: (HELLO + finish() + DONE).replaceAll("\n\n", "\n"),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "one line end between events, and an error",
    body: (HELLO + event({ error: { message: "Busy", code: 503 } }))
      .replaceAll("\n\n", "\n"),
    outcome: "StreamError",
    text: HELLO_TEXT,
    status: 503,
    message: "503 Busy",
  },
  {
    name: "two chunks in one event",
    body: (HELLO + finish()).replace("\n\n", "\n"),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "JSON over several data lines",
    body: HELLO + `data: {"choices":\ndata: [{"finish_reason":"stop"}]}\n\n`,
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "line separators of Unicode in a text",
    body: say("a\u2028b\u2029c\u0085d") + finish() + DONE,
    outcome: "complete",
    text: "a\u2028b\u2029c\u0085d",
  },
  {
    name: "a number as a token",
    source: "cloudflare/ai#651",
    body: say(0) + finish() + DONE,
    outcome: "complete",
    text: "0",
  },
  {
    name: "numbers among tokens",
    body: say("1") + say(6) + say(false) + finish() + DONE,
    outcome: "complete",
    text: "16false",
  },
  {
    name: "a message in place of a delta",
    source: "Perplexity",
    body: HELLO.replaceAll("delta", "message") + finish(),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "text in place of a delta",
    body: event({ choices: [{ text: HELLO_TEXT }] }) + finish(),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "an error of null",
    body:
      event({ error: null, choices: [{ delta: { content: HELLO_TEXT } }] }) +
      finish() + DONE,
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "a good base_resp in each chunk",
    source: "MiniMax",
    body: event({
      choices: [{ delta: { content: HELLO_TEXT } }],
      base_resp: { status_code: 0, status_msg: "" },
    }) + finish(),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "choices of null in a chunk with usage",
    body: HELLO + finish() +
      event({ choices: null, usage: { total_tokens: 3 } }) + DONE,
    outcome: "complete",
    text: HELLO_TEXT,
    tokens: 3,
  },
  {
    name: "a status of 200 in a comment",
    source: "DashScope",
    body: (HELLO + finish() + DONE)
      .replaceAll("data: ", "id:1\nevent:result\n:HTTP_STATUS/200\ndata:"),
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "filter results of the prompt before the answer",
    source: "Azure",
    body: event({
      choices: [],
      prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }],
    }) + HELLO + finish() + DONE,
    outcome: "complete",
    text: HELLO_TEXT,
  },
  {
    name: "an answer after an error of content",
    body: event({
      choices: [{ delta: { content: HELLO_TEXT } }],
      error: { message: "Busy", code: 503 },
    }),
    outcome: "StreamError",
    text: HELLO_TEXT,
    status: 503,
    message: "503 Busy",
  },
];

/** All rows. */
export const dialects: readonly Dialect[] = [
  ...ENDS,
  ...errorRows(),
  ...failedFinishRows(),
  ...contentRows(),
  ...emptyRows(),
  ...WHOLE,
  ...CHOICES,
  ...FRAMES,
];
