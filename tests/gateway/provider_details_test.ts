// What is read out of the errors of providers, and what of it is passed on.

import { assertEquals } from "@std/assert";
import {
  contentRefusal,
  type ProviderDetails,
  providerDetails,
} from "../../src/gateway/_provider_details.ts";

const details = { message: "too long", type: "t", code: "c", param: "p" };
const body = JSON.stringify({ error: details });
const sdkError = (fields: object, message = "400 of the SDK") =>
  Object.assign(new Error(message), fields);

/** An object within `depth` properties of this name. */
function nest(depth: number, name: string, value: object): object {
  return depth === 0 ? value : { [name]: nest(depth - 1, name, value) };
}

const cases: Record<string, [error: unknown, expected: ProviderDetails]> = {
  "error": [sdkError({ error: details }), details],
  "body": [sdkError({ body }), details],
  "body with a list": [sdkError({ body: `[${body}]` }), details],
  "data": [sdkError({ data: details }), details],
  "responseBody": [sdkError({ responseBody: body }), details],
  "four errors in one another": [sdkError(nest(4, "error", details)), details],
  "five errors in one another": [
    sdkError(nest(5, "error", details)),
    { message: "of the SDK" },
  ],
  "a text as the error": [sdkError({ error: "text" }), {
    message: "of the SDK",
  }],
  "a text as the inner error": [
    sdkError({ data: { error: "text", message: "m" } }),
    { message: "m" },
  ],
  "its own fields": [sdkError({ code: "c", type: "t", param: "p" }), {
    ...details,
    message: "of the SDK",
  }],
  "its cause": [new Error("outer", { cause: sdkError({ body }) }), details],
  "a cause that is no error": [new Error("outer", { cause: { body } }), {
    message: "outer",
  }],
  "several places, the most exact first": [
    sdkError({
      error: { code: "c" },
      body: '{"code":"b","type":"t"}',
      data: { type: "d", param: "p" },
      responseBody: '{"param":"r","message":"too long"}',
      cause: new Error("cause"),
    }),
    details,
  ],
  "the first of two messages": [
    sdkError({ error: details, data: { message: "second" } }),
    details,
  ],
  "values that are no texts, or empty": [
    sdkError({ error: { message: 1, code: 2, type: null, param: "" } }),
    { message: "of the SDK" },
  ],
  "an empty message": [sdkError({ error: { message: "" } }), {
    message: "of the SDK",
  }],
  "an empty text": ["", {}],
};

for (const [name, [error, expected]] of Object.entries(cases)) {
  Deno.test(`providerDetails() reads ${name}`, () => {
    assertEquals(providerDetails(error), expected);
  });
}

Deno.test("providerDetails() cuts off a message after 500 characters, and names after 100", () => {
  const text = (length: number) =>
    "a ".repeat(length).slice(0, length - 1) + "b";
  const cut = (length: number) => text(length + 1).slice(0, length - 1) + "…";
  const all = (message: string, name: string) => ({
    message,
    code: name,
    type: name,
    param: name,
  });
  const fits = all(text(500), text(100));
  assertEquals(providerDetails({ error: fits }), fits);
  assertEquals(
    providerDetails({ error: all(text(501), text(101)) }),
    all(cut(500), cut(100)),
  );
  assertEquals(providerDetails(new Error(text(500))).message, text(500));
  assertEquals(providerDetails(new Error(text(501))).message, cut(500));
});

Deno.test("providerDetails() passes on no host and no key, and all on one line", () => {
  const secrets = [
    "localhost:43473",
    "vllm-prod-3.eu.internal",
    "api.example.com",
    "http://10.0.0.7:81/x",
    "[fd00::12]:443",
    "10.0.0.5:8000",
    "tok_live_1234",
    "sk-provider-key",
    `AIza${"Sy5".repeat(8)}`,
    "0123456789abcdef-0123456789abcdef-0123456",
  ];
  const text = (of: readonly string[]) =>
    `upstream ${of.join(" and ")} refused temperature 2.5`;
  const hidden = text(secrets.map(() => "***"));
  const message = text(secrets).replace(" refused", "\n refused");
  assertEquals(providerDetails({ error: { message } }).message, hidden);
  assertEquals(providerDetails(new Error(message)).message, hidden);
  assertEquals(
    providerDetails({ code: "sk-provider-key", type: "Bearer abc" }),
    { message: "[object Object]", code: "***", type: "Bearer ***" },
  );
});

Deno.test("contentRefusal() finds the codes of a refusal of the content in each place, four levels deep", () => {
  const codes = [
    "content_policy_violation",
    "content_filter",
    "ResponsibleAIPolicyViolation",
  ];
  for (const code of codes) {
    for (
      const error of [
        { code },
        { error: { code } },
        { body: JSON.stringify({ error: { code } }) },
        { error: { code: "bad", innererror: { code } } },
        { error: nest(3, "inner_error", { code }) },
        { error: nest(3, "innererror", { code }) },
      ]
    ) assertEquals(contentRefusal(error), code);
    assertEquals(
      contentRefusal({ error: nest(4, "innererror", { code }) }),
      undefined,
    );
  }
  assertEquals(
    contentRefusal({ finishReason: "content_filter" }),
    "content_filter",
  );
  assertEquals(
    contentRefusal({ finishReason: "stop", code: "bad" }),
    undefined,
  );
});
