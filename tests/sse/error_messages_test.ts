// What a client sees of a failure has no key, no body of a provider and no stack,
// whatever was thrown. Only the caller's `onClose` gets the error itself.

import {
  AllModelsFailedError,
  type Attempt,
  CircuitOpenError,
  EmptyStreamError,
  fallbackModel,
  fallbackStream,
  ModelTimeoutError,
  TruncatedStreamError,
} from "@fallback/stream";
import { memoryHealth } from "@fallback/stream/health";
import { HttpError, StreamError } from "@fallback/stream/openai";
import {
  type AttemptSummary,
  errorResponse,
  type SseEnd,
  sseResponse,
} from "@fallback/stream/sse";
import { fakeModel, step, virtualTime } from "@fallback/stream/testing";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { answer, readAll } from "./_client.ts";
import { FAILED_RECORD } from "../_test_attempt.ts";

const SECRET = "sk-secret";
const secret = () => new Error(SECRET);
const throwing = (...names: string[]) =>
  Object.defineProperties(
    new Error(SECRET),
    Object.fromEntries(names.map((name) => [name, {
      get() {
        throw secret();
      },
    }])),
  );

/** Values that a model may throw. */
const thrown: Record<string, () => unknown> = {
  "an error with a key in its message": secret,
  "an error with a key in its name, cause, stack and fields": () =>
    Object.assign(new Error(SECRET, { cause: secret() }), {
      name: SECRET,
      stack: SECRET,
      body: SECRET,
      config: { headers: { authorization: SECRET } },
    }),
  "an error response of a provider with a body": () =>
    new HttpError(401, {
      statusText: SECRET,
      headers: { "x-key": SECRET },
      body: SECRET,
    }),
  "an error event of a provider": () =>
    new StreamError(SECRET, { body: SECRET }),
  "an error with a status that is a text": () =>
    Object.assign(secret(), { status: SECRET }),
  "an error whose response has a status": () =>
    Object.assign(secret(), { response: { status: 500, data: SECRET } }),
  "a chain that failed": () =>
    new AllModelsFailedError([attempt({ error: secret() })]),
  "a chain of chains that failed": () =>
    new AllModelsFailedError([
      attempt({
        error: new AllModelsFailedError([attempt({ error: secret() })]),
      }),
    ]),
  "a group of errors": () => new AggregateError([secret()], SECRET),
  "a suppressed error": () => new SuppressedError(secret(), secret(), SECRET),
  "an abort": () => new DOMException(SECRET, "AbortError"),
  "a text": () => SECRET,
  "a symbol": () => Symbol(SECRET),
  "undefined": () => undefined,
  "null": () => null,
  "a function": () => () => SECRET,
  "an error without a prototype": () =>
    Object.assign(Object.create(null), { message: SECRET }),
  "an error whose text throws": () =>
    Object.assign(secret(), { toString: throwing, message: {} }),
  "an error whose message throws": () => throwing("message", "name", "stack"),
  "an error whose status throws": () => throwing("status"),
  "an error whose statusCode throws": () => throwing("statusCode"),
  "an error whose response throws": () => throwing("response"),
  "an error whose headers throw": () =>
    throwing("headers", "retryAfterMs", "errors", "attempts", "error"),
};

/** An attempt like those of a call. */
function attempt(fields: Partial<Attempt>): Attempt {
  return { ...FAILED_RECORD, model: "inner", ...fields };
}

/** Checks that a text has no secret and no line of a stack. */
function assertSafe(text: string): void {
  assert(!text.includes(SECRET), text);
  assert(!/\bat .*:\d+:\d+/.test(text), text);
  assert(!text.includes("file:"), text);
}

for (const [what, make] of Object.entries(thrown)) {
  Deno.test(`sseResponse() shows no details in the error event of an interrupted answer: ${what}`, async () => {
    const error = make();
    const { ends, journal } = await virtualTime(async () => {
      const it = await answer(["a", step.fail(error)]);
      const seen = await readAll(it.response);
      assertEquals(seen.map(([type]) => type), ["message", "error"]);
      const data = JSON.parse(seen[1]![1]);
      assertEquals(Object.keys(data), ["error"]);
      assertEquals(data.error.attempts.length, 1);
      assertEquals(data.error.attempts[0].outcome, "interrupted");
      assertSafe(JSON.stringify(seen));
      return it;
    });
    assertEquals(ends.map(({ outcome }) => outcome), ["interrupted"]);
    assertStrictEquals(ends[0]!.error, error);
    journal.assertClean();
  });

  Deno.test(`sseResponse() shows no details of a failed attempt in the summary: ${what}`, async () => {
    const models = [
      fakeModel("bad", [step.fail(make())]),
      fakeModel("good", ["a"]),
    ];
    await virtualTime(async () => {
      const stream = await fallbackStream(models, "hi");
      const seen = await readAll(sseResponse(stream));
      assertEquals(seen.map(([type]) => type), ["message", "done"]);
      assertSafe(JSON.stringify(seen));
      assertEquals(
        JSON.parse(seen[1]![1]).attempts.map((it: AttemptSummary) =>
          it.outcome
        ),
        ["failed", "completed"],
      );
    });
  });

  Deno.test(`errorResponse() shows no details of an error: ${what}`, async () => {
    const bare = errorResponse(make());
    assertSafe(await bare.text());
    await virtualTime(async () => {
      const models = [fakeModel("bad", [step.fail(make())])];
      const error = await fallbackStream(models, "hi").catch((error) => error);
      const response = errorResponse(error);
      const text = await response.text();
      assertEquals([bare.status, response.status], [500, 502]);
      assertSafe(text + [...response.headers]);
      assertEquals(JSON.parse(text).error.attempts.length, 1);
    });
  });
}

Deno.test("sseResponse() and errorResponse() show messages of this library, and only the status of a provider's error", async () => {
  const cases: [unknown, string][] = [
    [
      new ModelTimeoutError("m", "idle", 50),
      'Model "m" sent no further chunk within 50 ms (timeouts.idleMs)',
    ],
    [
      new EmptyStreamError("m"),
      'Stream of "m" ended without content (set allowEmpty to accept this)',
    ],
    [
      new TruncatedStreamError("m"),
      'Stream of "m" ended before its final chunk (isFinal)',
    ],
    [new HttpError(529, { body: SECRET }), "The model failed with status 529"],
    [
      Object.assign(secret(), { statusCode: 400 }),
      "The model failed with status 400",
    ],
    [
      new AllModelsFailedError([attempt({ error: secret() })]),
      "All models failed",
    ],
    [secret(), "The model failed"],
  ];
  for (const [error, message] of cases) {
    await virtualTime(async () => {
      const { response } = await answer(["a", step.fail(error)]);
      const { 1: last } = await readAll(response);
      const data = JSON.parse(last![1]).error;
      assertEquals(data.message, message);
      assertEquals(data.attempts[0].error, message);
      const { error: body } = await errorResponse(error).json();
      assertEquals(body.message, message);
    });
  }
});

Deno.test("sseResponse() sends times, chunk counts and nested attempts in the summary", async () => {
  const inner = fallbackModel([
    fakeModel("a", [
      step.wait(5),
      step.fail(new HttpError(500, { body: SECRET })),
    ]),
    fakeModel("b", [step.wait(5), "b0", step.wait(5), "b1"]),
  ]);
  const models = [fakeModel("silent", [step.hang()]), inner];
  await virtualTime(async () => {
    const stream = await fallbackStream(models, "hi", {
      timeouts: { firstContentMs: 30 },
    });
    const seen = await readAll(sseResponse(stream));
    assertEquals(JSON.parse(seen.at(-1)![1]), {
      attempts: [{
        model: "silent",
        outcome: "failed",
        startedAt: 0,
        endedAt: 30,
        chunks: 0,
        error:
          'Model "silent" sent no content within 30 ms (timeouts.firstContentMs)',
      }, {
        model: "fallback:a,b",
        outcome: "completed",
        startedAt: 30,
        firstContentAt: 40,
        endedAt: 45,
        chunks: 2,
        nested: [{
          model: "a",
          outcome: "failed",
          startedAt: 30,
          endedAt: 35,
          chunks: 0,
          error: "The model failed with status 500",
        }, {
          model: "b",
          outcome: "completed",
          startedAt: 35,
          firstContentAt: 40,
          endedAt: 45,
          chunks: 2,
        }],
      }],
    });
  });
});

Deno.test("sseResponse() sends the message of CircuitOpenError for a skipped model", async () => {
  const health = memoryHealth({ failureThreshold: 1, cooldownMs: 1000 });
  const models = [
    fakeModel("down", [step.fail(secret())]),
    fakeModel("up", ["a"]),
  ];
  await virtualTime(async () => {
    for (const outcome of ["failed", "skipped"]) {
      const stream = await fallbackStream(models, "hi", { health });
      const seen = await readAll(sseResponse(stream));
      assertSafe(JSON.stringify(seen));
      const { attempts } = JSON.parse(seen.at(-1)![1]);
      assertEquals(attempts[0].outcome, outcome);
      if (outcome === "skipped") {
        assertEquals(
          attempts[0].error,
          new CircuitOpenError("down", 1000).message,
        );
      }
    }
  });
});

Deno.test("sseResponse() sends the attempts of the error when the stream has none", async () => {
  await virtualTime(async () => {
    const models = [
      fakeModel("bad", [step.fail(secret())]),
      fakeModel("broken", ["a", step.fail(secret())]),
    ];
    async function* texts() {
      yield* await fallbackStream(models, "hi");
    }
    const seen = await readAll(sseResponse(texts()));
    const { attempts } = JSON.parse(seen.at(-1)![1]).error;
    assertEquals(
      attempts.map((it: AttemptSummary) => [it.model, it.outcome]),
      [["bad", "failed"], ["broken", "interrupted"]],
    );
  });
});

Deno.test("sseResponse() sends no attempts for a stream that is not a FallbackStream", async () => {
  const ends: SseEnd[] = [];
  const onClose = (end: SseEnd) => void ends.push(end);
  const body = new ReadableStream<string>({
    pull: (controller) => controller.error(secret()),
  });
  const seen = await readAll(sseResponse(body, { onClose }));
  assertEquals(seen, [[
    "error",
    '{"error":{"message":"The model failed","attempts":[]}}',
  ]]);
  assertEquals(ends.length, 1);
});
