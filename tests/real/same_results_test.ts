// Compares a chain of one real model with the model itself: the functions of the SDK
// give the same results, except for what the chain adds.

import {
  fallbackLanguageModel,
  type LanguageModelV4,
} from "@fallback/stream/ai-sdk";
import { assertEquals } from "@std/assert";
import * as ai7 from "ai";
import * as ai6 from "ai6";
import { Connection } from "./_connection.ts";
import {
  LANGUAGE_MODELS,
  type LanguageModelClient,
} from "./_language_models.ts";
import { loader } from "./_packages.ts";
import { TOOL_CALLS, WHOLE } from "./wires/tools.ts";
import type { Wire } from "./wires/wire.ts";

Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });

const BIG_FOUR = LANGUAGE_MODELS.filter(({ name }) =>
  /AI SDK \d (anthropic|openai chat|openai responses|google)$/.test(name)
);

/** Values that differ from one call to the next. */
const VOLATILE =
  /^(timestamp|id|createdAt|responseTime\w*|.*Ms|performance|stepId|callId|messageId|headers|toolCallId)$/;

/** Removes what a chain adds, and what differs in every call. */
function comparable(value: unknown): unknown {
  const text = JSON.stringify(value, (key, each) => {
    if (VOLATILE.test(key) || key === "fallback") return undefined;
    if (key === "providerMetadata" && each) {
      const { fallback: _, ...rest } = each;
      return Object.keys(rest).length > 0 ? rest : undefined;
    }
    return each;
  });
  return text === undefined ? undefined : JSON.parse(text);
}

/** A model whose requests get these bodies in order. */
async function modelOf(
  { make }: LanguageModelClient,
  contentType: string,
  bodies: readonly (readonly string[])[],
): Promise<LanguageModelV4> {
  let request = 0;
  const fetch = (input: string | URL | Request, init?: RequestInit) => {
    const pieces = bodies[request++]!;
    const headers = { "content-type": contentType };
    return new Connection({ headers, pieces }).fetch(input, init);
  };
  return await make(loader(false), fetch) as LanguageModelV4;
}

/** All results of the SDK for a stream. */
async function streamed(ai: typeof ai7, model: LanguageModelV4) {
  const result = ai.streamText({ model, prompt: "Hi", maxRetries: 0 });
  const parts = await Array.fromAsync(result.fullStream);
  const { text, finishReason, usage, warnings, response } = result;
  const { modelId } = await response;
  return comparable({
    parts,
    text: await text,
    finishReason: await finishReason,
    usage: await usage,
    warnings: await warnings,
    modelId,
  });
}

async function uiMessages(ai: typeof ai7, model: LanguageModelV4) {
  const result = ai.streamText({ model, prompt: "Hi", maxRetries: 0 });
  const response = result.toUIMessageStreamResponse();
  return (await response.text()).replace(/"id":"[^"]*"/g, '"id":""');
}

/** All results of streamed structured output. */
async function structured(ai: typeof ai7, model: LanguageModelV4) {
  const schema = ai.jsonSchema<{ a: number }>({
    type: "object",
    properties: { a: { type: "number" } },
    required: ["a"],
    additionalProperties: false,
  });
  const output = ai.Output.object({ schema });
  const result = ai.streamText({ model, prompt: "Hi", output, maxRetries: 0 });
  return await result.output;
}

/** All results of a tool call over two steps. */
async function twoSteps(ai: typeof ai7, model: LanguageModelV4) {
  const look = ai.tool({
    inputSchema: ai.jsonSchema<{ city: string }>({
      type: "object",
      properties: { city: { type: "string" } },
    }),
    execute: ({ city }) => `sunny in ${city}`,
  });
  const result = ai.streamText({
    model,
    prompt: "Hi",
    tools: { look },
    stopWhen: ai.stepCountIs(2),
    maxRetries: 0,
  });
  const steps = await result.steps;
  return comparable({
    text: await result.text,
    steps: steps.map(({ content, finishReason, usage }) => ({
      content,
      finishReason,
      usage,
    })),
  }) as { text: string; steps: object[] };
}

/** A generated answer, without streaming. */
async function whole(ai: typeof ai7, model: LanguageModelV4) {
  const { content, finishReason, usage, warnings, response } = await ai
    .generateText({ model, prompt: "Hi", maxRetries: 0 });
  const { modelId } = response;
  return comparable({ content, finishReason, usage, warnings, modelId });
}

type Bodies = (wire: Wire) => readonly (readonly string[])[];

const answer: Bodies = (wire) => [[wire.preamble, wire.content, wire.end]];

/** The functions to compare, and the bodies that the server sends. */
const COMPARED: readonly {
  readonly what: string;
  readonly bodies: Bodies;
  readonly contentType?: string;
  run(ai: typeof ai7, model: LanguageModelV4): Promise<unknown>;
}[] = [
  { what: "streamText()", bodies: answer, run: streamed },
  { what: "a UI message stream", bodies: answer, run: uiMessages },
  {
    what: "structured output",
    bodies: (wire) =>
      answer(wire).map((pieces) =>
        pieces.map((piece) => piece.replaceAll('"Hel"', '"{\\"a\\":1}"'))
      ),
    run: structured,
  },
  {
    what: "tools over two steps",
    bodies: (wire) => [[TOOL_CALLS.get(wire)!], ...answer(wire)],
    run: twoSteps,
  },
  {
    what: "generateText()",
    contentType: "application/json",
    bodies: (wire) => [[JSON.stringify(WHOLE.get(wire))]],
    run: whole,
  },
];

for (const client of BIG_FOUR) {
  const ai = (client.name.includes("SDK 7") ? ai7 : ai6) as typeof ai7;
  const { wire } = client;
  for (const { what, bodies, contentType, run } of COMPARED) {
    Deno.test({
      name:
        `${client.name}: fallbackLanguageModel() gives the same results as its model: ${what}`,
      // The provider packages keep timers.
      sanitizeOps: false,
      sanitizeResources: false,
      async fn() {
        const type = contentType ?? wire.contentType;
        const bare = () => modelOf(client, type, bodies(wire));
        const expected = await run(ai, await bare());
        const chain = fallbackLanguageModel([await bare()]);
        assertEquals(await run(ai, chain), expected);
        if (what === "structured output") assertEquals(expected, { a: 1 });
        if (run === twoSteps) {
          const { text, steps } = await twoSteps(ai, await bare());
          assertEquals([text, steps.length], ["Hel", 2]);
        }
      },
    });
  }
}
