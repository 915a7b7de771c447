// The spans of answers that break off and are continued.

import { AllModelsFailedError } from "@fallback/stream";
import { continueStream } from "@fallback/stream/continue";
import { instrument } from "@fallback/stream/otel";
import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
import { assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { lines, Sdk } from "./_sdk.ts";
import { overloaded, reset } from "./_span_cases.ts";

Deno.test("instrument() records each part of a continued answer as a call", async () => {
  await using sdk = new Sdk();
  await virtualTime(async () => {
    const models = [
      fakeModel("a", ["x", step.wait(10), step.fail(reset)]),
      fakeModel("b", [step.wait(10), step.fail(overloaded)]),
      fakeModel("c", [step.wait(10), "y", step.wait(10), "z"]),
    ];
    await using stream = await continueStream(models, "hi", {
      onEvent: instrument(),
      resume: async () => {
        await delay(5);
        return "go on";
      },
    });
    assertEquals((await Array.fromAsync(stream)).join(""), "xyz");
  });
  assertEquals(lines(sdk.spans()), [
    "chat 0–10 interrupted !TypeError",
    "  chat a 0–10 interrupted !TypeError",
    "chat 15–45 completed",
    "  chat b 15–25 failed !529",
    "  chat c 25–45 completed",
  ]);
  const calls = sdk.spans().filter(({ name }) => name === "chat");
  const actual = calls.map(({ attributes }) => [
    attributes["fallback.continued"],
    attributes["fallback.attempts"],
  ]);
  assertEquals(actual, [[undefined, 1], [true, 2]]);
});

Deno.test("instrument() sets no gen_ai.response.model on a failed call that continues an answer", async () => {
  await using sdk = new Sdk();
  await virtualTime(async () => {
    const models = [
      fakeModel("a", ["x", step.wait(10), step.fail(reset)]),
      fakeModel("b", [step.wait(10), step.fail(overloaded)]),
    ];
    await using stream = await continueStream(models, "hi", {
      onEvent: instrument(),
      resume: () => "go on",
    });
    await assertRejects(() => Array.fromAsync(stream), AllModelsFailedError);
  });
  assertEquals(lines(sdk.spans()), [
    "chat 0–10 interrupted !TypeError",
    "  chat a 0–10 interrupted !TypeError",
    "chat 10–20 failed !AllModelsFailedError",
    "  chat b 10–20 failed !529",
  ]);
  const actual = sdk.spans().map(({ name, attributes }) => [
    name,
    attributes["gen_ai.response.model"],
  ]);
  // `firstContentAt` of "a" is 0, which must not be taken for absent.
  assertEquals(actual, [
    ["chat a", "a"],
    ["chat", "a"],
    ["chat b", undefined],
    ["chat", undefined],
  ]);
});
