// A test for each line of docs/migration.md.

import { APICallError } from "@ai-sdk/provider";
import {
  AllModelsFailedError,
  attemptsOf,
  hasStatus,
  ModelTimeoutError,
} from "@fallback/stream";
import {
  aiSdkModel,
  fallbackLanguageModel,
  type LanguageModelV4,
} from "@fallback/stream/ai-sdk";
import { continueStream } from "@fallback/stream/continue";
import { memoryHealth } from "@fallback/stream/health";
import { instrument } from "@fallback/stream/otel";
import { type Script, step, virtualTime } from "@fallback/stream/testing";
import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { delay } from "@std/async/delay";
import { Sdk } from "../otel/_sdk.ts";
import {
  answer,
  chainOf,
  delta,
  finish,
  OPENING,
  type Options,
  type Part,
  REQUEST,
  type Request,
  scripted,
  sdk7 as sdk,
  START,
} from "./_sdk.ts";

const { generateText, streamText, wrapLanguageModel } = sdk.ai;
const text = answer("Hello");
const prompt = "Hi";
const overloaded = new Error("Overloaded");

function http(
  statusCode: number,
  responseHeaders: Record<string, string> = {},
): APICallError {
  return new APICallError({
    message: `status ${statusCode}`,
    url: "https://host/",
    requestBodyValues: {},
    statusCode,
    responseHeaders,
  });
}

/** The model that answers when the first fails with this error, or what is thrown. */
async function modelOrError(
  error: unknown,
  options: Options,
): Promise<unknown> {
  const model = chainOf(sdk, [[step.fail(error)], text], options);
  const result = generateText({ model, prompt, maxRetries: 0 });
  return await result.then(
    ({ response }) => response.modelId,
    (error) => error,
  );
}

async function textOf(model: LanguageModelV4): Promise<string> {
  return (await generateText({ model, prompt, maxRetries: 0 })).text;
}

/** The time of each call of a model, until one answered. */
async function callTimes(
  scripts: Script<Part>[][],
  options: Options,
): Promise<[string, number][]> {
  return await virtualTime(async () => {
    const times: [string, number][] = [];
    const model = chainOf(sdk, scripts.map((scripts) => ({ scripts })), {
      ...options,
      onEvent: ({ type, at, attempt }) => {
        if (type === "started") times.push([attempt!.model, at]);
      },
    });
    await textOf(model);
    return times;
  });
}

type Lines = Record<string, () => Promise<void>>;

const fromFallback: Lines = {
  "`createFallback({ models })`": async () => {
    const model = chainOf(sdk, [[step.fail(overloaded)], text]);
    assertEquals(await textOf(model), "Hello");
    assertEquals(await streamText({ model, prompt }).text, "Hello");
  },

  "`models: [{ model, providerOptions }]`": async () => {
    const b = scripted(sdk, "b", text);
    const model = fallbackLanguageModel([
      { model: b, name: "mine", providerOptions: { openai: { user: "u" } } },
    ]);
    const providerOptions = { openai: { seed: 1 } };
    await generateText({ model, prompt, providerOptions });
    assertEquals(b.requests[0]?.providerOptions, {
      openai: { seed: 1, user: "u" },
    });
  },

  "`shouldRetryThisError`": async () => {
    const fallbackOn = (error: unknown) => error === overloaded;
    assertEquals(await modelOrError(overloaded, { fallbackOn }), "b");
    const other = new Error("other");
    assertStrictEquals(await modelOrError(other, { fallbackOn }), other);
    assertEquals(await modelOrError(other, {}), "b");
  },

  "its default for that": async () => {
    const options: Options = {
      fallbackOn: [
        hasStatus(401, 403, 408, 409, 413, 429, 498, "5xx"),
        (error) => /overloaded|capacity/i.test(String(error)),
      ],
    };
    for (const error of [http(401), http(498), http(529), overloaded]) {
      assertEquals(await modelOrError(error, options), "b");
    }
    const wrong = http(400);
    assertStrictEquals(await modelOrError(wrong, options), wrong);
  },

  "`onError(error, modelId)`": async () => {
    const reported: unknown[] = [];
    await modelOrError(overloaded, {
      onEvent: (event) => {
        if (event.type !== "failed") return;
        reported.push([event.attempt.model, event.error]);
      },
    });
    assertEquals(reported, [["a", overloaded]]);
  },

  "`modelResetInterval`": async () => {
    await virtualTime(async () => {
      const health = memoryHealth({ failureThreshold: 1, cooldownMs: 180_000 });
      const a = scripted(sdk, "a", [step.fail(overloaded)]);
      const model = fallbackLanguageModel([a, scripted(sdk, "b", text)], {
        health,
      });
      for (let call = 0; call < 3; call++) await textOf(model);
      assertEquals(a.requests.length, 1);
      await delay(180_000);
      await textOf(model);
      assertEquals(a.requests.length, 2);
    });
  },

  "`retryAfterOutput: false`": async () => {
    const b = scripted(sdk, "b", text);
    const a = scripted(sdk, "a", [
      ...OPENING,
      delta("Hel"),
      step.fail(overloaded),
    ]);
    const reported: unknown[] = [];
    const result = streamText({
      model: fallbackLanguageModel([a, b]),
      prompt,
      onError: ({ error }) => void reported.push(error),
    });
    assertEquals(await result.text, "Hel");
    assertEquals([reported, b.requests], [[overloaded], []]);
  },

  "`retryAfterOutput: true`, the default": async () => {
    const a = scripted(sdk, "a", [
      ...OPENING,
      delta("Hel"),
      step.fail(overloaded),
    ]);
    const b = scripted(sdk, "b", answer("lo"));
    const textIn = (part: Part) => part.type === "text-delta" ? part.delta : "";
    const resume = (request: Request, chunks: readonly Part[]): Request => ({
      ...request,
      prompt: [...request.prompt, {
        role: "assistant",
        content: [{ type: "text", text: chunks.map(textIn).join("") }],
      }],
    });
    const models = [aiSdkModel(a), aiSdkModel(b)];
    await using stream = await continueStream(models, REQUEST, {
      resume: ({ request, chunks }) => resume(request, chunks),
    });
    const parts = await Array.fromAsync(stream);
    assertEquals(parts.map(textIn).join(""), "Hello");
    assertEquals(b.requests[0]?.prompt.at(-1)?.content, [
      { type: "text", text: "Hel" },
    ]);
  },

  "`model.modelId` for the model that answered": async () => {
    const model = chainOf(sdk, [[step.fail(overloaded)], text]);
    assertEquals((await streamText({ model, prompt }).response).modelId, "b");
    assertEquals(model.modelId, "fallback:a,b");
  },

  "the last error is thrown": async () => {
    const model = chainOf(sdk, [[step.fail(overloaded)], [
      step.fail(http(500)),
    ]]);
    const error = await assertRejects(() => textOf(model));
    assertInstanceOf(error, AllModelsFailedError);
    assertEquals(error.errors.map(String), [
      "Error: Overloaded",
      "AI_APICallError: status 500",
    ]);
  },
};

const fromRetry: Lines = {
  "`createRetryableModel({ model: a, retries: [b] })`": async () => {
    assertEquals(await modelOrError(overloaded, {}), "b");
  },

  '`httpStatus(529, "overloaded")`': async () => {
    const options: Options = {
      fallbackOn: [
        hasStatus(529),
        (error) => /overloaded/i.test(String(error)),
      ],
    };
    assertEquals(await modelOrError(http(529), options), "b");
    assertEquals(await modelOrError(overloaded, options), "b");
    const other = http(500);
    assertStrictEquals(await modelOrError(other, options), other);
  },

  "`error.statusCode(/^5/)`": async () => {
    const options: Options = { fallbackOn: hasStatus("5xx") };
    assertEquals(await modelOrError(http(503), options), "b");
    const wrong = http(404);
    assertStrictEquals(await modelOrError(wrong, options), wrong);
  },

  "`error.isInstance(TypeError)`": async () => {
    const network = new TypeError("fetch failed");
    assertEquals(await modelOrError(network, { fallbackOn: TypeError }), "b");
    assertStrictEquals(
      await modelOrError(overloaded, { fallbackOn: TypeError }),
      overloaded,
    );
    const ofSdk = (error: unknown) => APICallError.isInstance(error);
    assertEquals(await modelOrError(http(418), { fallbackOn: ofSdk }), "b");
    assertStrictEquals(
      await modelOrError(network, { fallbackOn: ofSdk }),
      network,
    );
  },

  "`error(predicate)`": async () => {
    const fallbackOn: Options["fallbackOn"] = async (error, attempt) =>
      await Promise.resolve(error === overloaded && attempt.modelIndex === 0);
    assertEquals(await modelOrError(overloaded, { fallbackOn }), "b");
    const other = new Error("other");
    assertStrictEquals(await modelOrError(other, { fallbackOn }), other);
  },

  "`or`, `and`, `not`": async () => {
    const options: Options = {
      fallbackOn: [
        TypeError,
        (error) => APICallError.isInstance(error) && !error.isRetryable,
      ],
    };
    assertEquals(await modelOrError(new TypeError("network"), options), "b");
    assertEquals(await modelOrError(http(400), options), "b");
    const busy = http(429);
    assertStrictEquals(await modelOrError(busy, options), busy);
  },

  "a target of its own for each condition": async () => {
    const target = async (error: unknown) => {
      const a = scripted(sdk, "a", [step.fail(error)]);
      const b = scripted(sdk, "b", answer("from b"));
      const c = scripted(sdk, "c", answer("from c"));
      const pair = fallbackLanguageModel([a, b], {
        fallbackOn: hasStatus(429),
      });
      return await textOf(fallbackLanguageModel([pair, c]));
    };
    assertEquals(await target(http(429)), "from b");
    assertEquals(await target(http(400)), "from c");
  },

  "`.retry({ delay, backoffFactor, maxAttempts })`": async () => {
    const fails = [step.fail(overloaded)];
    const retry = {
      minDelayMs: 1_000,
      multiplier: 2,
      maxAttempts: 3,
      jitter: 0,
    };
    assertEquals(await callTimes([[fails], [text]], { retry }), [
      ["a", 0],
      ["a", 1_000],
      ["a", 3_000],
      ["b", 3_000],
    ]);
  },

  "`error.isRetryable(true).retry()`": async () => {
    const isRetriable = (error: unknown) =>
      APICallError.isInstance(error) && error.isRetryable;
    const retry = { jitter: 0, isRetriable };
    const conflict = [step.fail(http(409))];
    const namesOf = async (options: Options) =>
      (await callTimes([[conflict, text], [text]], options)).map(([name]) =>
        name
      );
    assertEquals(await namesOf({ retry }), ["a", "a"]);
    assertEquals(await namesOf({ retry: {} }), ["a", "b"]);
  },

  "`Retry-After`, capped at 60 s": async () => {
    const after = (seconds: number) => [
      step.fail(http(429, { "retry-after": `${seconds}` })),
    ];
    assertEquals(await callTimes([[after(7), text], [text]], { retry: {} }), [
      ["a", 0],
      ["a", 7_000],
    ]);
    assertEquals(await callTimes([[after(11), text], [text]], { retry: {} }), [
      ["a", 0],
      ["b", 0],
    ]);
    const retry = { maxDelayMs: 60_000 };
    assertEquals(await callTimes([[after(60), text], [text]], { retry }), [
      ["a", 0],
      ["a", 60_000],
    ]);
  },

  "`maxAttempts` of one model": async () => {
    await virtualTime(async () => {
      const a = scripted(sdk, "a", [step.fail(overloaded)]);
      const b = scripted(sdk, "b", [step.fail(overloaded)]);
      const retried = fallbackLanguageModel([a], { retry: {} });
      await assertRejects(() => textOf(fallbackLanguageModel([retried, b])));
      assertEquals([a.requests.length, b.requests.length], [3, 1]);
    });
  },

  "`timeout` of a retry": async () => {
    const silent: Script<Part> = [START, step.hang()];
    const timeouts = { firstContentMs: 30_000 };
    assertEquals(await callTimes([[silent], [silent], [text]], { timeouts }), [
      ["a", 0],
      ["b", 30_000],
      ["c", 60_000],
    ]);
  },

  "`timeout()` as a condition": async () => {
    const options: Options = {
      fallbackOn: ModelTimeoutError,
      timeouts: { firstContentMs: 30_000 },
    };
    await virtualTime(async () => {
      assertEquals(
        await textOf(chainOf(sdk, [[step.hang()], text], options)),
        "Hello",
      );
      assertStrictEquals(await modelOrError(overloaded, options), overloaded);
      const b = scripted(sdk, "b", text);
      const a = scripted(sdk, "a", [step.hang()]);
      await assertRejects(() =>
        generateText({
          model: fallbackLanguageModel([a, b]),
          prompt,
          timeout: 5_000,
        })
      );
      assertEquals(b.requests, []);
    });
  },

  "`providerOptions` of a retry": async () => {
    const b = scripted(sdk, "b", text);
    const model = fallbackLanguageModel([
      scripted(sdk, "a", [step.fail(overloaded)]),
      { model: b, providerOptions: { openai: { user: "second" } } },
    ]);
    const providerOptions = { openai: { user: "first", seed: 1 } };
    await generateText({ model, prompt, providerOptions });
    assertEquals(b.requests[0]?.providerOptions, {
      openai: { user: "second", seed: 1 },
    });
  },

  "`options` of a retry": async () => {
    const b = scripted(sdk, "b", text);
    const model = fallbackLanguageModel([
      scripted(sdk, "a", [step.fail(overloaded)]),
      { model: b, settings: { temperature: 0.3, maxOutputTokens: 500 } },
    ]);
    await generateText({ model, prompt, temperature: 1, topK: 2 });
    const { temperature, maxOutputTokens, topK } = b.requests[0]!;
    assertEquals([temperature, maxOutputTokens, topK], [0.3, 500, 2]);
  },

  "`options.prompt`, and what `onRetry` returns": async () => {
    const b = scripted(sdk, "b", text);
    const model = fallbackLanguageModel([
      scripted(sdk, "a", [step.fail(overloaded)]),
      wrapLanguageModel({
        model: b,
        middleware: {
          transformParams: ({ params }) =>
            Promise.resolve({
              ...params,
              prompt: [
                { role: "system", content: "Be brief." },
                ...params.prompt,
              ],
            }),
        },
      }),
    ]);
    await textOf(model);
    assertEquals(b.requests[0]?.prompt.map(({ role }) => role), [
      "system",
      "user",
    ]);
  },

  "`onError`, `onRetry`, `onSuccess`, `onFailure`": async () => {
    const reported: string[] = [];
    const onEvent: Options["onEvent"] = ({ type, attempt }) => {
      reported.push(`${type} ${attempt?.model}`);
    };
    const ofType = (...types: string[]) =>
      reported.filter((line) => types.includes(line.split(" ")[0]!));
    await modelOrError(overloaded, { onEvent });
    assertEquals(ofType("failed", "interrupted"), ["failed a"]);
    assertEquals(ofType("retrying", "started"), ["started a", "started b"]);
    assertEquals(ofType("completed"), ["completed b"]);
    const model = chainOf(sdk, [[step.fail(overloaded)]]);
    const error = await assertRejects(() => textOf(model));
    assertEquals(attemptsOf(error).map(({ model }) => model), ["a"]);
  },

  '`reset: "after-60-seconds"`': async () => {
    await virtualTime(async () => {
      const health = memoryHealth({ failureThreshold: 1, cooldownMs: 60_000 });
      const a = scripted(sdk, "a", {
        scripts: [[step.fail(overloaded)], text],
      });
      const b = scripted(sdk, "b", answer("from b"));
      const model = fallbackLanguageModel([a, b], { health });
      assertEquals(await textOf(model), "from b");
      await delay(59_000);
      assertEquals(await textOf(model), "from b");
      await delay(1_000);
      assertEquals(await textOf(model), "Hello");
    });
  },

  "`disabled`": async () => {
    const a = scripted(sdk, "a", [step.fail(overloaded)]);
    const model = fallbackLanguageModel([a, scripted(sdk, "b", text)]);
    const pick = (disabled: boolean) => disabled ? a : model;
    assertEquals(await textOf(pick(false)), "Hello");
    assertStrictEquals(
      await assertRejects(() => textOf(pick(true))),
      overloaded,
    );
  },

  '`finishReason("content-filter")` on a stream': async () => {
    const model = chainOf(sdk, [[START, finish("content-filter")], text]);
    assertEquals(await streamText({ model, prompt }).text, "Hello");
  },

  "`result(predicate)`, `schemaInvalid()`": async () => {
    const picky = wrapLanguageModel({
      model: scripted(sdk, "a", answer("no JSON")),
      middleware: {
        wrapGenerate: async ({ doGenerate }) => {
          const result = await doGenerate();
          for (const part of result.content) {
            if (part.type === "text") JSON.parse(part.text);
          }
          return result;
        },
      },
    });
    const b = scripted(sdk, "b", answer("[]"));
    assertEquals(await textOf(fallbackLanguageModel([picky, b])), "[]");
  },

  "`RetryError`": async () => {
    const model = chainOf(sdk, [[step.fail(overloaded)], [
      step.fail(http(500)),
    ]]);
    const error = await assertRejects(() => textOf(model));
    assertInstanceOf(error, AllModelsFailedError);
    assertEquals([error.errors.length, error.attempts.length], [2, 2]);
  },

  "`telemetry`": async () => {
    await using telemetry = new Sdk();
    const onEvent = instrument();
    await textOf(chainOf(sdk, [[step.fail(overloaded)], text], { onEvent }));
    const names = telemetry.spans().map(({ name }) => name);
    assertEquals(names.toSorted(), ["chat", "chat a", "chat b"]);
  },

  "`maxRetries: 0`": async () => {
    const a = scripted(sdk, "a", [step.fail(http(429))]);
    const model = fallbackLanguageModel([a], { fallbackOn: hasStatus("5xx") });
    await assertRejects(() => generateText({ model, prompt, maxRetries: 0 }));
    assertEquals(a.requests.length, 1);
  },

  '`"openai/gpt-5"` for the gateway\'s model': async () => {
    const model = await Promise.resolve("openai/gpt-5");
    assertThrows(
      () => fallbackLanguageModel([model as unknown as LanguageModelV4]),
      TypeError,
      "'models[0]' must be a language model",
    );
    const chain = fallbackLanguageModel([sdk.ai.gateway(model)]);
    assertEquals(chain.modelId, "fallback:openai/gpt-5");
  },
};

const lines = { "ai-fallback": fromFallback, "ai-retry": fromRetry };

for (const [peer, tests] of Object.entries(lines)) {
  for (const [line, test] of Object.entries(tests)) {
    Deno.test(`docs/migration.md, from ${peer}: ${line}`, test);
  }
}

Deno.test("docs/migration.md has a test for every line", async () => {
  const text = await Deno.readTextFile(
    new URL("../../docs/migration.md", import.meta.url),
  );
  for (const [peer, tests] of Object.entries(lines)) {
    const [, section] = text.split(`## From ${peer}\n`);
    const rows = section!.split("\n## ")[0]!.split("\n")
      .filter((line) => line.startsWith("|"));
    const names = rows.slice(2).map((row) =>
      row.split(" |")[0]!.slice(2).trim()
    );
    assertEquals(names, Object.keys(tests));
  }
});
