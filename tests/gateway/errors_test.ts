// What a client gets when no model answers.

import { step, wire, type WireScript } from "@fallback/stream/testing";
import { assert, assertEquals } from "@std/assert";
import { chain, chatRequest, providerError } from "./_client.ts";

const tooLong = {
  message: "too long",
  code: "context_length_exceeded",
  param: "messages",
  type: "invalid_request_error",
};
const rejected = { message: "not this", code: "content_policy_violation" };

interface Case {
  readonly name: string;
  readonly scripts: readonly WireScript[];
  readonly status: number;
  readonly code?: string | null;
  readonly message?: string;
  readonly retryAfter?: string;
  /** The number of providers that were called. */
  readonly called?: number;
}

const cases: Case[] = [
  {
    name: "400 from all, with the provider's message",
    scripts: [providerError(400, tooLong), providerError(400, tooLong)],
    status: 400,
    code: "context_length_exceeded",
    message: "too long",
  },
  {
    name: "422 from all",
    scripts: [providerError(422, { message: "cannot" })],
    status: 422,
    message: "cannot",
  },
  {
    name: "413 from all",
    scripts: [providerError(413, { message: "big" })],
    status: 413,
    message: "big",
  },
  {
    name:
      "429 from all, with the shortest wait and without the provider's message",
    scripts: [
      providerError(429, {}, { "retry-after": "20" }),
      providerError(429, {}, { "retry-after": "7" }),
    ],
    status: 429,
    retryAfter: "7",
  },
  { name: "409 from all", scripts: [providerError(409)], status: 409 },
  { name: "408 from all", scripts: [providerError(408)], status: 408 },
  {
    name: "400 and 500",
    scripts: [providerError(400, tooLong), providerError(500)],
    status: 502,
  },
  {
    name: "one Retry-After among other errors",
    scripts: [
      providerError(503, {}, { "retry-after": "9" }),
      providerError(500),
    ],
    status: 503,
    retryAfter: "9",
  },
  ...[401, 402, 403, 404, 500].map((status) => ({
    name: `${status} is the operator's trouble`,
    scripts: [providerError(status)],
    status: 502,
  })),
  {
    name: "a content filter error without a fallback",
    scripts: [providerError(400, rejected), ["never"]],
    status: 400,
    code: "content_policy_violation",
    message: "not this",
    called: 1,
  },
  {
    name: "an answer that was filtered before content",
    scripts: [[wire.finish("content_filter")], ["never"]],
    status: 400,
    code: "content_filter",
    called: 1,
  },
  {
    name: "a content filter error inside a stream",
    scripts: [
      [{ error: { code: "content_filter", message: "filtered" } }],
      ["never"],
    ],
    status: 400,
    code: "content_filter",
    called: 1,
  },
  {
    name: "Azure's nested content filter error",
    scripts: [
      providerError(400, {
        code: "bad",
        innererror: { code: "ResponsibleAIPolicyViolation" },
      }),
      ["never"],
    ],
    status: 400,
    code: "ResponsibleAIPolicyViolation",
    called: 1,
  },
];

for (const { name, scripts, called = scripts.length, ...expected } of cases) {
  Deno.test(`gateway() responds when all models fail: ${name}`, async () => {
    for (const stream of [false, true]) {
      const { handler, providers } = chain(scripts);
      const response = await handler(chatRequest({ stream }));
      const { error } = await response.json();
      assertEquals(response.status, expected.status);
      assertEquals(Object.keys(error), ["message", "type", "code", "param"]);
      assertEquals(response.headers.get("x-should-retry"), "false");
      assertEquals(
        response.headers.get("retry-after"),
        expected.retryAfter ?? null,
      );
      if (expected.code !== undefined) assertEquals(error.code, expected.code);
      if (expected.message === undefined) {
        assert(
          !/provider says so/.test(error.message) || expected.status === 400,
        );
      } else {
        assertEquals(error.message, expected.message);
      }
      assertEquals(
        providers.filter(({ calls }) => calls.length > 0).length,
        called,
      );
    }
  });
}

Deno.test("gateway() responds 504 when every model timed out", async () => {
  const { handler } = chain([[step.hang()], [step.hang()]], {
    fallback: { timeouts: { firstContentMs: 1 } },
  });
  const response = await handler(chatRequest());
  assertEquals(response.status, 504);
  assertEquals((await response.json()).error.code, "timeout");
});

Deno.test("gateway() shows no key, host or long text of a provider in a 400", async () => {
  const { handler } = chain([
    providerError(400, {
      message: `bad sk-provider-key\nsee http://10.0.0.7:81/x ${
        "long ".repeat(400)
      }`,
    }),
  ]);
  const { error } = await (await handler(chatRequest())).json();
  assert(!/provider-key|10\.0\.0\.7|\n/.test(error.message), error.message);
  assert(error.message.length <= 500);
});

Deno.test("gateway() responds 500 for an error of the operator's code, without its message", async () => {
  const { handler } = chain([], {
    models: {
      chat: () => {
        throw new Error("secret place");
      },
    },
  });
  const response = await handler(chatRequest());
  assertEquals(response.status, 500);
  const text = await response.text();
  assert(!text.includes("secret"));
});

Deno.test("gateway() sends an error event for a failure after the first heartbeat", async () => {
  const { handler } = chain([[step.wait(30), wire.status(401)]], {
    heartbeatMs: 5,
  });
  const response = await handler(chatRequest({ stream: true }));
  assertEquals(response.status, 200);
  const text = await response.text();
  assert(text.startsWith(": \n\n"), text);
  assert(/data: \{"error":\{.*"code":"all_models_failed"\}\}\n\n$/.test(text));
  assert(!text.includes("[DONE]"));
});

Deno.test("gateway() passes on no host and no key in the message of a refusal", async () => {
  const secrets = [
    "localhost:43473",
    "vllm-prod-3.eu.internal",
    "api.example.com",
    "[fd00::12]:443",
    "10.0.0.5:8000",
    "tok_live_1234",
  ];
  const message = `upstream ${secrets.join(" and ")} refused temperature 2.5`;
  const { handler } = chain([providerError(400, { message })]);
  const { error } = await (await handler(chatRequest())).json();
  assertEquals(
    error.message,
    `upstream ${
      secrets.map(() => "***").join(" and ")
    } refused temperature 2.5`,
  );
});

Deno.test("gateway() responds 502 when a provider refuses the key or the account with a 400", async () => {
  for (
    const message of [
      "API key not valid. Please pass a valid API key.",
      "Your credit balance is too low to access the API.",
    ]
  ) {
    const { handler } = chain([providerError(400, { message })]);
    const response = await handler(chatRequest());
    assertEquals(response.status, 502);
    assertEquals(
      (await response.json()).error.message,
      "No model could answer the request.",
    );
  }
});
