// Fake models, so that the gateway can be tried without any key.

import type { GatewayOptions } from "../gateway/options.ts";
import { openaiModel } from "../openai/mod.ts";
import { fakeProvider, step, wire, type WireScript } from "../testing/mod.ts";

const TOKENS =
  "This answer comes from a fake model. The first model of the chain was overloaded, and the gateway called the next one."
    .split(/(?<= )/);

const usage = {
  choices: [],
  usage: {
    prompt_tokens: 9,
    completion_tokens: TOKENS.length,
    total_tokens: 9 + TOKENS.length,
  },
};

const answer: WireScript = [
  ...TOKENS.flatMap((token) => [step.wait(40), token]),
  wire.finish(),
  usage,
];

const fake = (name: string, script: WireScript) =>
  openaiModel({ model: name, fetch: fakeProvider(script).fetch });

/** The chains of `--demo`. */
export function demoOptions(): Pick<GatewayOptions, "models" | "authorize"> {
  const overloaded = fake("fake-overloaded", [
    step.wait(200),
    wire.status(529, { body: { error: { message: "overloaded" } } }),
  ]);
  const broken = fake("fake-broken", [...TOKENS.slice(0, 6), step.truncate()]);
  const steady = fake("fake-steady", answer);
  return {
    models: {
      chat: [overloaded, steady],
      "breaks-off": [broken, steady],
      down: [overloaded],
    },
    authorize: "anyone",
  };
}
