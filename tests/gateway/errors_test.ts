// What a client gets when no model answers.

import { step, wire, type WireScript } from "@fallback/stream/testing";
import { assert, assertEquals } from "@std/assert";
import { chain, chatRequest, refusal } from "./_client.ts";

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
  /** How many of the providers were asked. */
  readonly asked?: number;
}

const cases: Case[] = [
  {
    name: "400 from all, with the provider's words",
    scripts: [refusal(400, tooLong), refusal(400, tooLong)],
    status: 400,
    code: "context_length_exceeded",
    message: "too long",
  },
  {
    name: "422 from all",
    scripts: [refusal(422, { message: "cannot" })],
    status: 422,
    message: "cannot",
  },
  {
    name: "413 from all",
    scripts: [refusal(413, { message: "big" })],
    status: 413,
    message: "big",
  },
  {
    name: "429 from all, with the shortest wait and no words of the provider",
    scripts: [
      refusal(429, {}, { "retry-after": "20" }),
      refusal(429, {}, { "retry-after": "7" }),
    ],
    status: 429,
    retryAfter: "7",
  },
  { name: "409 from all", scripts: [refusal(409)], status: 409 },
  { name: "408 from all", scripts: [refusal(408)], status: 408 },
  {
    name: "400 and 500 do not agree",
    scripts: [refusal(400, tooLong), refusal(500)],
    status: 502,
  },
  {
    name: "a wait among others",
    scripts: [refusal(503, {}, { "retry-after": "9" }), refusal(500)],
    status: 503,
    retryAfter: "9",
  },
  ...[401, 402, 403, 404, 500].map((status) => ({
    name: `${status} is the operator's trouble`,
    scripts: [refusal(status)],
    status: 502,
  })),
  {
    name: "a content refusal is not taken to the next model",
    scripts: [refusal(400, rejected), ["never"]],
    status: 400,
    code: "content_policy_violation",
    message: "not this",
    asked: 1,
  },
  {
    name: "an answer that was filtered before its first content",
    scripts: [[wire.finish("content_filter")], ["never"]],
    status: 400,
    code: "content_filter",
    asked: 1,
  },
  {
    name: "a content refusal inside a stream",
    scripts: [
      [{ error: { code: "content_filter", message: "filtered" } }],
      ["never"],
    ],
    status: 400,
    code: "content_filter",
    asked: 1,
  },
  {
    name: "Azure's nested content refusal",
    scripts: [
      refusal(400, {
        code: "bad",
        innererror: { code: "ResponsibleAIPolicyViolation" },
      }),
      ["never"],
    ],
    status: 400,
    code: "ResponsibleAIPolicyViolation",
    asked: 1,
  },
];

for (const { name, scripts, asked = scripts.length, ...expected } of cases) {
  Deno.test(`gateway() answers when all models fail: ${name}`, async () => {
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
        asked,
      );
    }
  });
}

Deno.test("gateway() answers 504 when every model timed out", async () => {
  const { handler } = chain([[step.hang()], [step.hang()]], {
    fallback: { timeouts: { firstContentMs: 1 } },
  });
  const response = await handler(chatRequest());
  assertEquals(response.status, 504);
  assertEquals((await response.json()).error.code, "timeout");
});

Deno.test("gateway() shows no key, host or long text of a provider in a 400", async () => {
  const { handler } = chain([
    refusal(400, {
      message: `bad sk-provider-key\nsee http://10.0.0.7:81/x ${
        "long ".repeat(400)
      }`,
    }),
  ]);
  const { error } = await (await handler(chatRequest())).json();
  assert(!/provider-key|10\.0\.0\.7|\n/.test(error.message), error.message);
  assert(error.message.length <= 500);
});

Deno.test("gateway() answers 500 for a mistake of the operator's code, and says nothing of it", async () => {
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

Deno.test("gateway() answers with an error event what fails after the first heartbeat", async () => {
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
