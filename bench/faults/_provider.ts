// The answer of every test model, and a provider that can continue it.

import { delay } from "@std/async/delay";

/** The answer of every model, in tokens. */
export const TOKENS: readonly string[] = Array.from(
  { length: 60 },
  (_, i) => i === 0 ? "w0" : ` w${i}`,
);

/** The whole answer. */
export const ANSWER = TOKENS.join("");

/** One chunk of the protocol with a token. */
export function chunk(model: string, content: string): object {
  return {
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1,
    model,
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
  };
}

/** The last chunks of an answer. */
export function ending(model: string): object[] {
  return [
    {
      ...chunk(model, ""),
      choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
    },
    {
      ...chunk(model, ""),
      choices: [],
      usage: { prompt_tokens: 5, completion_tokens: 60, total_tokens: 65 },
    },
  ];
}

/** A provider that answers, or continues the text of an assistant's turn. */
export interface TestProvider extends AsyncDisposable {
  readonly baseURL: string;
  /** How many requests it got. */
  calls: number;
}

/**
 * Starts a healthy provider.
 *
 * @param model The name in its chunks.
 * @param refusesPrefill Whether a request that ends with an assistant's turn gets
 * 400.
 */
export function startProvider(
  model: string,
  refusesPrefill: boolean,
): TestProvider {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      provider.calls++;
      const { messages } = await request.json();
      const last = messages.at(-1);
      if (refusesPrefill && last.role === "assistant") {
        const message = "This model does not support assistant message prefill";
        return Response.json({ error: { message } }, { status: 400 });
      }
      const delivered: string =
        messages.findLast((each: { role: string }) => each.role === "assistant")
          ?.content ?? "";
      return new Response(ReadableStream.from(answerEvents(model, delivered)), {
        headers: { "content-type": "text/event-stream" },
      });
    },
  );
  const { port } = server.addr;
  const provider: TestProvider = {
    baseURL: `http://127.0.0.1:${port}/v1`,
    calls: 0,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
  return provider;
}

async function* answerEvents(
  model: string,
  delivered: string,
): AsyncGenerator<Uint8Array> {
  const utf8 = new TextEncoder();
  const event = (value: object) =>
    utf8.encode(`data: ${JSON.stringify(value)}\n\n`);
  let length = 0;
  for (const token of TOKENS) {
    length += token.length;
    if (length <= delivered.length) continue;
    await delay(2);
    yield event(chunk(model, token));
  }
  for (const value of ending(model)) yield event(value);
  yield utf8.encode("data: [DONE]\n\n");
}
