// The models: real providers where there are keys, else fakes that run in this
// process at the speed of real ones.

import {
  type ChatChunk,
  type ChatRequest,
  type Model,
  openaiModel,
  type OpenAIModelOptions,
} from "@fallback/stream/openai";
import { fakeProvider, step, type WireScript } from "@fallback/stream/testing";
import { type Failure, failures, scriptOf } from "./_failures.ts";

const FAKES: readonly OpenAIModelOptions[] = [
  { model: "fake primary", fetch: answer("primary", 450) },
  { model: "fake backup", fetch: answer("backup", 300) },
  { model: "fake reserve", fetch: answer("reserve", 600) },
];

/** The answers of the fakes to the first, second and third question. */
const ANSWERS = [
  "I am a fake: a script inside this function that speaks the protocol of a " +
  "real provider, at about its speed. So I cannot answer you, but I can show " +
  "you something. The bars below this text have grown while you were reading " +
  "it. The pale part is how long you waited for my first word, the full part " +
  "is how long I have been talking. Now choose a way for the primary to fail, " +
  "and ask again.",
  "A lighthouse keeps two lamps because a dark coast forgives nothing. When " +
  "the first one cracks, the keeper does not argue with it, and he does not " +
  "light both at once, for two beams would send ships onto the rocks. He " +
  "closes the first shutter, opens the second, and far out at sea nobody " +
  "notices that anything has happened.",
  "Once a model has sent its first word, no other model is tried: half an " +
  "answer by one model and half by another is no answer. Before that word you " +
  "have seen nothing, so a model that fails is closed, and the next model gets " +
  "the same question.",
];

/** The answer of a model that fails, or seems to fail. */
const BAD_ANSWER =
  "This is the primary. Something is wrong with my answer, and you will see " +
  "what it is. You have already read part of it, so no other model may begin " +
  "again: you would read two answers mixed into one. The call ends with an " +
  "error instead, and the application decides what to do.";

/** The real providers, and the model to call at each. */
export function realProviders(
  env: (name: string) => string | undefined,
): OpenAIModelOptions[] {
  const openai = env("OPENAI_API_KEY");
  const baseURL = env("OPENAI_BASE_URL");
  const groq = env("GROQ_API_KEY");
  const mistral = env("MISTRAL_API_KEY");
  return [
    // Your own server may need no key.
    ...(openai || baseURL
      ? [{
        model: env("OPENAI_MODEL") || "gpt-4o-mini",
        apiKey: openai || undefined,
        baseURL: baseURL || undefined,
      }]
      : []),
    ...(groq
      ? [{
        model: "llama-3.3-70b-versatile",
        apiKey: groq,
        baseURL: "https://api.groq.com/openai/v1",
      }]
      : []),
    ...(mistral
      ? [{
        model: "mistral-small-latest",
        apiKey: mistral,
        baseURL: "https://api.mistral.ai/v1",
      }]
      : []),
  ];
}

/**
 * Builds the models once, so that a wrong option fails at the start. Without a
 * real provider the models are fakes.
 *
 * @param real The real providers.
 * @param withFakes Whether fakes come after the real providers.
 * @returns The models for each failure. The first ones fail in that way.
 */
export function modelsOf(
  real: readonly OpenAIModelOptions[],
  { withFakes = false } = {},
): (failure: Failure) => Model<ChatRequest, ChatChunk>[] {
  const providers = real.length > 0 && !withFakes ? real : [...real, ...FAKES];
  const chains = new Map(failures.map((failure) => [
    failure,
    providers.map((provider, index) => {
      const script = scriptOf(failure, index, speechOf(BAD_ANSWER));
      if (!script) return openaiModel(provider);
      // Only the network is replaced: the code that reads it is the same.
      const fetch: OpenAIModelOptions["fetch"] = (url, init) =>
        fakeProvider(script).fetch(url, init);
      return openaiModel({ ...provider, fetch });
    }),
  ]));
  return (failure) => chains.get(failure)!;
}

/** A fake's network: it answers after a while, with the answer for that question. */
function answer(
  name: string,
  firstWordMs: number,
): NonNullable<OpenAIModelOptions["fetch"]> {
  return async (url, init) => {
    const { messages } = await new Request(url, init).json();
    const turn = Math.floor(messages.length / 2) % ANSWERS.length;
    const script = speechOf(`This is the ${name}. ${ANSWERS[turn]}`);
    return fakeProvider([step.wait(firstWordMs), ...script]).fetch(url, init);
  };
}

/** A text word by word, with a pause after punctuation. */
function speechOf(text: string): WireScript {
  return text.split(/(?<= )/).flatMap((
    word,
  ) => [
    word,
    step.wait(/[.:]\s*$/.test(word) ? 220 : /,\s*$/.test(word) ? 130 : 55),
  ]);
}
