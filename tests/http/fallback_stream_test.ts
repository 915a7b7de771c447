// `fallbackStream()` over real connections, as the providers observe it.

import {
  AllModelsFailedError,
  type Attempt,
  attemptsOf,
  fallbackModel,
  fallbackStream,
  type ModelContext,
  ModelTimeoutError,
  TruncatedStreamError,
} from "@fallback/stream";
import {
  type ChatChunk,
  HttpError,
  openaiModel,
} from "@fallback/stream/openai";
import {
  type FakeProvider,
  fakeProvider,
  step,
  wire,
  type WireScript,
} from "@fallback/stream/testing";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { deadline } from "@std/async/deadline";

const request = { messages: [{ role: "user", content: "hi" }] };
const preamble = { choices: [{ delta: { role: "assistant" } }] };

/** Providers that serve these scripts, until the stack is disposed of. */
function serve(stack: AsyncDisposableStack, ...scripts: WireScript[]) {
  const providers = scripts.map((script) => fakeProvider(script));
  const models = providers.map((provider, i) =>
    openaiModel({
      model: `model-${i}`,
      baseURL: stack.use(provider.listen()).baseURL,
      apiKey: "sk-secret",
    })
  );
  return { providers, models };
}

async function text(stream: AsyncIterable<ChatChunk>): Promise<string> {
  let text = "";
  for await (const { choices } of stream) {
    text += choices[0]?.delta?.content ?? "";
  }
  return text;
}

async function outcomes(...providers: FakeProvider[]): Promise<string[]> {
  const calls = providers.flatMap(({ calls }) => calls);
  await deadline(Promise.all(calls.map(({ closed }) => closed)), 10_000);
  return calls.map(({ outcome }) => outcome);
}

Deno.test("fallbackStream() over HTTP falls back on an error status, a hang and truncation, and delivers the answer of one model", async () => {
  await using stack = new AsyncDisposableStack();
  const { models, providers } = serve(
    stack,
    [wire.status(529, { body: { error: { type: "overloaded_error" } } })],
    [preamble, step.hang()],
    [preamble, step.fail(new Error("connection lost"))],
    [preamble, { error: { message: "quota", code: 429 } }],
    [preamble, "Good", " morning"],
  );
  // Only the hanging model has a timeout, because the others may be slow.
  const [overloaded, hanging, ...others] = models;
  const withTimeout = fallbackModel([hanging!], {
    timeouts: { firstContentMs: 200 },
  });
  const stream = await fallbackStream(
    [overloaded!, withTimeout, ...others],
    request,
  );
  assertEquals(await text(stream), "Good morning");
  assertEquals(stream.model, "model-4");
  assertEquals(
    stream.attempts.map(({ nested: [attempt] = [], error }) =>
      ((attempt?.error ?? error) as Error | undefined)?.name
    ),
    ["HttpError", "ModelTimeoutError", "TypeError", "StreamError", undefined],
  );
  assertEquals(
    (await outcomes(...providers)).slice(1),
    ["aborted", "failed", "completed", "completed"],
  );
});

Deno.test("fallbackStream() over HTTP throws for an interrupted answer, without a fallback", async () => {
  for (
    const end of [step.fail(new Error("connection lost")), step.truncate()]
  ) {
    await using stack = new AsyncDisposableStack();
    const { models, providers } = serve(stack, ["Hel", end], ["never"]);
    await using stream = await fallbackStream(models, request);
    const error = await assertRejects(() => text(stream), Error);
    if (end.type === "truncate") assertInstanceOf(error, TruncatedStreamError);
    assertEquals(attemptsOf(error)[0]?.outcome, "interrupted");
    assertEquals(providers[1]?.calls.length, 0);
  }
});

Deno.test("fallbackStream() over HTTP throws the errors of all providers, without a key", async () => {
  await using stack = new AsyncDisposableStack();
  const { models } = serve(
    stack,
    [wire.status(401, { body: { error: { message: "bad key sk-secret" } } })],
    [wire.status(500, { body: "<html>sk-secret</html>" })],
  );
  const error = await assertRejects(
    () => fallbackStream(models, request),
    AllModelsFailedError,
  );
  assertEquals(error.errors.map(({ status }) => status), [401, 500]);
  assertInstanceOf(error.errors[0], HttpError);
  const shown = Deno.inspect([error, attemptsOf(error)], { depth: 20 });
  assertEquals(shown.includes("sk-secret"), false);
});

Deno.test("fallbackStream() over HTTP closes the connection on an abort at any point", async () => {
  const scripts: WireScript[] = [[step.hang()], [preamble, step.hang()], [
    "Hel",
    step.hang(),
  ]];
  for (const script of scripts) {
    await using stack = new AsyncDisposableStack();
    const controller = new AbortController();
    const reason = new Error("stop");
    const provider = fakeProvider(script, {
      onCall: () => setTimeout(() => controller.abort(reason), 20),
    });
    const { baseURL } = stack.use(provider.listen());
    const models = [openaiModel({ model: "m", baseURL })];
    const { signal } = controller;
    const error = await assertRejects(async () => {
      await using stream = await fallbackStream(models, request, { signal });
      await text(stream);
    });
    assertStrictEquals(error, reason);
    assertEquals(await outcomes(provider), ["aborted"]);
  }
});

Deno.test("fallbackStream() over HTTP ends a stalled answer after idleMs, and closes the connection", async () => {
  await using stack = new AsyncDisposableStack();
  const { models, providers } = serve(stack, ["Hel", step.hang()]);
  const error = await assertRejects(
    async () =>
      text(await fallbackStream(models, request, { timeouts: { idleMs: 50 } })),
    ModelTimeoutError,
  );
  assertEquals([error.phase, error.model], ["idle", "model-0"]);
  assertEquals(await outcomes(...providers), ["aborted"]);
});

Deno.test("fallbackStream() over HTTP works in eight concurrent calls with the same models", async () => {
  await using stack = new AsyncDisposableStack();
  const { models } = serve(
    stack,
    [step.wait(5), wire.status(500)],
    [step.wait(5), "Good", step.wait(5), " morning"],
  );
  const answers = Array.from({ length: 8 }, async () => {
    await using stream = await fallbackStream(models, request);
    return await text(stream);
  });
  assertEquals(await Promise.all(answers), Array(8).fill("Good morning"));
});

/** Three usual ways to get chunks from a `fetch`. */
const bodies: Record<
  string,
  (body: ReadableStream<Uint8Array<ArrayBuffer>>) => AsyncIterable<unknown>
> = {
  "a fetch body": (body) => body,
  "a generator over a fetch body": async function* (body) {
    for await (const bytes of body) yield bytes.length;
  },
  "a fetch body piped through a decoder": (body) =>
    body.pipeThrough(new TextDecoderStream()),
};

for (const [what, chunks] of Object.entries(bodies)) {
  Deno.test(`fallbackStream() closes the connection on a break out of ${what}, without an error (R11)`, async () => {
    const provider = fakeProvider(["Hel", "lo", step.hang()]);
    await using server = provider.listen();
    const model = async (_: unknown, { signal }: ModelContext) => {
      const { body } = await fetch(server.url, { method: "POST", signal });
      return chunks(body!);
    };
    let attempts: readonly Attempt[] = [];
    {
      await using stream = await fallbackStream([model], request);
      attempts = stream.attempts;
      for await (const chunk of stream) {
        assert(chunk);
        break;
      }
    }
    assertEquals(attempts.map(({ outcome }) => outcome), ["cancelled"]);
    assertEquals("closeError" in attempts[0]!, false);
    assertEquals(await outcomes(provider), ["aborted"]);
  });
}
