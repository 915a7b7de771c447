// The entries of `fallbackLanguageModel()`: options for one model, the URLs that it
// supports, and invalid entries.

import {
  aiSdkModel,
  chatModel,
  fallbackLanguageModel,
  type LanguageModelV4,
} from "@fallback/stream/ai-sdk";
import { step } from "@fallback/stream/testing";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  answer,
  REQUEST,
  type Request,
  type Scripted,
  scripted,
  type Sdk,
  sdk6,
  sdk7,
  testSdk,
} from "./_sdk.ts";

const text = answer("Hello");
const overloaded = new Error("overloaded");

/** Two models. The first fails. */
function two(sdk: Sdk): [Scripted, Scripted] {
  return [
    scripted(sdk, "a", [step.fail(overloaded)]),
    scripted(sdk, "b", text),
  ];
}

testSdk(
  "fallbackLanguageModel() lets an entry override single providerOptions",
  async (sdk) => {
    const [a, b] = two(sdk);
    const model = fallbackLanguageModel([
      a,
      {
        model: b,
        providerOptions: {
          openai: { user: "second", store: false },
          anthropic: { thinking: { type: "disabled" } },
        },
      },
    ]);
    const given = {
      openai: { user: "first", seed: 1 },
      google: { safe: true },
      anthropic: { thinking: { type: "enabled", budgetTokens: 9 } },
    };
    await sdk.ai.streamText({ model, prompt: "Hi", providerOptions: given })
      .text;
    await sdk.ai.generateText({ model, prompt: "Hi", providerOptions: given });
    for (const call of [0, 1]) {
      assertEquals(a.requests[call]?.providerOptions, given);
      assertEquals(b.requests[call]?.providerOptions, {
        openai: { user: "second", seed: 1, store: false },
        google: { safe: true },
        anthropic: { thinking: { type: "disabled" } },
      });
    }
  },
);

testSdk(
  "fallbackLanguageModel() applies the settings of an entry to its model only",
  async (sdk) => {
    const [a, b] = two(sdk);
    const model = fallbackLanguageModel([
      a,
      {
        model: b,
        settings: { temperature: 0, seed: undefined, maxOutputTokens: 9 },
      },
    ]);
    const given = { temperature: 0.7, seed: 4, topP: 0.5 };
    await sdk.ai.streamText({ model, prompt: "Hi", ...given }).text;
    await sdk.ai.generateText({ model, prompt: "Hi", ...given });
    const settingsOf = (
      { temperature, seed, topP, maxOutputTokens }: Request,
    ) => [temperature, seed, topP, maxOutputTokens];
    for (const call of [0, 1]) {
      assertEquals(settingsOf(a.requests[call]!), [0.7, 4, 0.5, undefined]);
      assertEquals(settingsOf(b.requests[call]!), [0, undefined, 0.5, 9]);
    }
  },
);

testSdk(
  "fallbackLanguageModel() lets an entry override single headers",
  async (sdk) => {
    const [a, b] = two(sdk);
    const model = fallbackLanguageModel([
      a,
      { model: b, settings: { headers: { "x-team": "red" } } },
    ]);
    const headers = { "x-team": "blue", "x-trace": "1" };
    await model.doStream({ ...REQUEST, headers });
    assertEquals(a.requests[0]?.headers, headers);
    assertEquals(b.requests[0]?.headers, { "x-team": "red", "x-trace": "1" });
  },
);

testSdk(
  "fallbackLanguageModel() does not change the caller's request",
  async (sdk) => {
    const [a, b] = two(sdk);
    const own = { openai: { user: "second" } };
    const request = {
      ...REQUEST,
      providerOptions: { openai: { user: "first" } },
      headers: { "x-team": "blue" },
    };
    const before = structuredClone(request);
    const model = fallbackLanguageModel([
      a,
      {
        model: b,
        providerOptions: own,
        settings: { headers: { "x-team": "r" } },
      },
    ]);
    await model.doStream(request);
    assertEquals(request, before);
    assertEquals(own, { openai: { user: "second" } });
  },
);

testSdk(
  "fallbackLanguageModel() passes all other options to every model unchanged",
  async (sdk) => {
    const [a, b] = two(sdk);
    await sdk.ai.streamText({
      model: fallbackLanguageModel([a, b]),
      prompt: "Hi",
      stopSequences: ["END"],
      tools: {
        look: sdk.ai.tool({
          inputSchema: sdk.ai.jsonSchema({ type: "object" }),
        }),
      },
      toolChoice: "auto",
    }).text;
    for (const { requests: [call] } of [a, b]) {
      assertEquals(call?.prompt, a.requests[0]?.prompt);
      assertEquals(call?.stopSequences, ["END"]);
      assertEquals(call?.tools?.map(({ name }) => name), ["look"]);
      assertEquals(call?.toolChoice, { type: "auto" });
    }
  },
);

// URLs

const HTTPS = /^https:\/\/.*$/;
const CDN = /^https:\/\/cdn\.host\/.*$/;
const BUCKET = /^gs:\/\/.*$/;

/** The `supportedUrls` of a chain whose models have these. */
async function urlsOf(
  sdk: Sdk,
  ...urls: LanguageModelV4["supportedUrls"][]
): Promise<Record<string, RegExp[]>> {
  return await fallbackLanguageModel(
    urls.map((supportedUrls) => scripted(sdk, "m", text, { supportedUrls })),
  ).supportedUrls;
}

testSdk(
  "fallbackLanguageModel().supportedUrls has the patterns that all models support",
  async (sdk) => {
    assertEquals(
      await urlsOf(
        sdk,
        { "image/*": [HTTPS, BUCKET], "application/pdf": [HTTPS] },
        Promise.resolve({
          "image/*": [CDN, /^https:\/\/.*$/],
          "audio/*": [CDN],
        }),
      ),
      { "image/*": [HTTPS], "application/pdf": [] },
    );
    assertEquals(await urlsOf(sdk, { "image/*": [HTTPS] }), {
      "image/*": [HTTPS],
    });
    for (const others of [[{}], [{ "image/*": [HTTPS] }, {}]]) {
      assertEquals(await urlsOf(sdk, { "image/*": [HTTPS] }, ...others), {
        "image/*": [],
      });
    }
  },
);

testSdk(
  "fallbackLanguageModel().supportedUrls is empty when the supportedUrls of a model fail",
  async (sdk) => {
    const rejecting = {
      ...scripted(sdk, "rejecting", text),
      get supportedUrls() {
        return Promise.reject(overloaded);
      },
    };
    const throwing = {
      ...scripted(sdk, "throwing", text),
      get supportedUrls(): never {
        throw overloaded;
      },
    };
    for (const model of [rejecting, throwing]) {
      const sure = scripted(sdk, "sure", text, {
        supportedUrls: { "image/*": [HTTPS] },
      });
      const chain = fallbackLanguageModel([sure, model]);
      assertEquals(await chain.supportedUrls, { "image/*": [] });
      const { text: answered } = await sdk.ai.generateText({
        model: chain,
        prompt: "Hi",
      });
      assertEquals(answered, "Hello");
    }
  },
);

testSdk(
  "generateText() passes on an image URL only if all models support it, and else downloads it",
  async (sdk) => {
    const url = "https://cdn.host/cat.png";
    const downloads: string[] = [];
    const ask = async (...urls: LanguageModelV4["supportedUrls"][]) => {
      const [first, ...others] = urls;
      const models = [
        scripted(sdk, "a", text, { supportedUrls: first! }),
        ...others.map((supportedUrls) =>
          scripted(sdk, "b", text, { supportedUrls })
        ),
      ];
      await sdk.ai.generateText({
        model: fallbackLanguageModel(models),
        messages: [{
          role: "user",
          content: [{
            type: "image",
            image: new URL(url),
            mediaType: "image/png",
          }],
        }],
        experimental_download: (plans) =>
          Promise.resolve(plans.map(({ url, isUrlSupportedByModel }) => {
            if (isUrlSupportedByModel) return null;
            downloads.push(`${url}`);
            return { data: new Uint8Array([1]), mediaType: "image/png" };
          })),
      });
      return JSON.stringify(models[0]!.requests[0]?.prompt).includes(url);
    };
    assertEquals(await ask({ "image/*": [CDN] }, { "image/*": [CDN] }), true);
    assertEquals(downloads, []);
    assertEquals(await ask({ "image/*": [CDN] }, {}), false);
    assertEquals(downloads, [url]);
  },
);

// Wrong arguments

const good = scripted(sdk7, "good", text);
const old = { ...good, specificationVersion: "v2", modelId: "old" };
const newer = { ...good, specificationVersion: "v5", modelId: "newer" };

const NO_MODEL =
  "must be a language model of specification v3 or v4: current value is";

const wrong: [name: string, models: unknown, message: string][] = [
  [
    "nothing",
    undefined,
    "'models' must be an array: current value is undefined",
  ],
  ["no list", "gpt-5", `'models' must be an array: current value is "gpt-5"`],
  ["an empty list", [], "'models' must not be empty: current value is []"],
  [
    "a gateway's name",
    ["openai/gpt-5"],
    `'models[0]' ${NO_MODEL} "openai/gpt-5"`,
  ],
  ["null", [good, null], `'models[1]' ${NO_MODEL} null`],
  [
    "a model of v2",
    [good, old],
    `'models[1]' ${NO_MODEL} old of specification v2`,
  ],
  [
    "a model of v5",
    [newer],
    `'models[0]' ${NO_MODEL} newer of specification v5`,
  ],
  [
    "a model without a specification",
    [{ modelId: "a", doStream() {} }],
    `'models[0]' ${NO_MODEL} {"modelId":"a"}`,
  ],
  [
    "a model without an id",
    [{ specificationVersion: "v5", doStream() {} }],
    `'models[0]' ${NO_MODEL} {"specificationVersion":"v5"}`,
  ],
  [
    "a model without doStream()",
    [{ model: { specificationVersion: "v4", modelId: "a" } }],
    `'models[0]' ${NO_MODEL} a of specification v4`,
  ],
  [
    "an entry without a model",
    [{ name: "a" }],
    `'models[0]' ${NO_MODEL} {"name":"a"}`,
  ],
  [
    "an entry whose model is a string",
    [{ model: "gpt-5" }],
    `'models[0]' ${NO_MODEL} {"model":"gpt-5"}`,
  ],
  [
    "a model of aiSdkModel()",
    [aiSdkModel(good)],
    `'models[0]' ${NO_MODEL} {"name":"good","modelId":"good","provider":"fake"}`,
  ],
  [
    "a mix of specifications",
    [good, scripted(sdk6, "six", text)],
    `'models[1]' must be of specification v4, as the first is: current value is "v3"`,
  ],
  [
    "an unknown option",
    [{ model: good, setings: {} }],
    "'models[0].setings' is not an option: known options are 'name', 'providerOptions', 'settings', 'model'",
  ],
  [
    "a name that is not a string",
    [{ model: good, name: 5 }],
    "'models[0].name' must be a string: current value is 5",
  ],
  [
    "settings that are not an object",
    [{ model: good, settings: 0.5 }],
    "'models[0].settings' must be an object: current value is 0.5",
  ],
  [
    "providerOptions that are not an object",
    [{ model: good, providerOptions: null }],
    "'models[0].providerOptions' must be an object: current value is null",
  ],
];

for (const [name, models, message] of wrong) {
  Deno.test(`fallbackLanguageModel() throws with the index of ${name}`, () => {
    const call = () => fallbackLanguageModel(models as LanguageModelV4[]);
    assertEquals(assertThrows(call, Error).message, message);
  });
}

testSdk(
  "fallbackLanguageModel() rejects a call whose function returns no models of its specification",
  async ({ specificationVersion }) => {
    const other = specificationVersion === "v4" ? sdk6 : sdk7;
    const returned: [unknown, string][] = [
      ["gpt-5", `'models' must be an array: current value is "gpt-5"`],
      [
        [scripted(other, "a", text)],
        `'models[0]' must be of specification ${specificationVersion}, as 'options.specificationVersion' says: current value is "${other.specificationVersion}"`,
      ],
    ];
    for (const [models, message] of returned) {
      const model = fallbackLanguageModel(() => models as [], {
        specificationVersion,
      });
      for (const method of ["doStream", "doGenerate"] as const) {
        const call = () => model[method](REQUEST);
        assertEquals((await assertRejects(call, TypeError)).message, message);
      }
    }
  },
);

Deno.test("fallbackLanguageModel() throws with the name of an invalid option", () => {
  const bad: [unknown, string][] = [
    [null, "'options' must be an object: current value is null"],
    [
      { isFinal: () => true },
      "'options.isFinal' is not an option: known options are ",
    ],
    [{ modelId: 5 }, "'options.modelId' must be a string: current value is 5"],
    [
      { specificationVersion: "v5" },
      `'options.specificationVersion' must be "v3" or "v4": current value is "v5"`,
    ],
    [
      { supportedUrls: "*" },
      `'options.supportedUrls' must be an object: current value is "*"`,
    ],
    [{ fallbackOn: [] }, "'options.fallbackOn' must "],
    [{ isContent: true }, "'options.isContent' must "],
    [{ timeouts: { openMs: -1 } }, "'options.timeouts.openMs' must "],
    [{ retry: { maxAttempts: 0 } }, "'options.retry.maxAttempts' must "],
    [{ hedge: {} }, "'options.hedge.afterMs' must "],
    [{ health: {} }, "'options.health' must "],
  ];
  for (const [options, start] of bad) {
    const call = () => fallbackLanguageModel([good], options as object);
    const { message } = assertThrows(call, Error);
    assertEquals(message.slice(0, start.length), start);
  }
});

for (const [make, others] of [[aiSdkModel, ""], [chatModel, ", 'onWarning'"]]) {
  const { name } = make as typeof aiSdkModel;
  Deno.test(`${name}() throws TypeError for wrong arguments`, () => {
    const bad: [model: unknown, options: unknown, message: string][] = [
      ["gpt-5", {}, `'model' ${NO_MODEL} "gpt-5"`],
      [null, {}, `'model' ${NO_MODEL} null`],
      [undefined, {}, `'model' ${NO_MODEL} undefined`],
      [old, {}, `'model' ${NO_MODEL} old of specification v2`],
      [{ model: 5 }, {}, `'model' ${NO_MODEL} {"model":5}`],
      [good, null, "'options' must be an object: current value is null"],
      [
        good,
        { nam: "a" },
        `'options.nam' is not an option: known options are 'name', 'providerOptions', 'settings'${others}`,
      ],
      [
        good,
        { name: 5 },
        "'options.name' must be a string: current value is 5",
      ],
      [
        good,
        { settings: 5 },
        "'options.settings' must be an object: current value is 5",
      ],
    ];
    for (const [model, options, message] of bad) {
      const call = () =>
        (make as typeof aiSdkModel)(model as typeof good, options as object);
      assertEquals(assertThrows(call, TypeError).message, message);
    }
  });
}

Deno.test("chatModel() throws TypeError for an onWarning that is no function", () => {
  const call = () => chatModel(good, { onWarning: true as never });
  assertEquals(
    assertThrows(call, TypeError).message,
    "'options.onWarning' must be a function: current value is true",
  );
});

Deno.test("fallbackLanguageModel() copies the list of models", async () => {
  const models = [good];
  const model = fallbackLanguageModel(models);
  models.length = 0;
  assertEquals(model.modelId, "fallback:good");
  await model.doStream(REQUEST);
});
