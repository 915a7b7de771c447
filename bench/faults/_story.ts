// What the models of the benchmark answer, and a provider that can continue it.

import { delay } from "@std/async/delay";

/** The answer of every model, in tokens. */
export const TOKENS: readonly string[] = Array.from(
  { length: 60 },
  (_, i) => i === 0 ? "w0" : ` w${i}`,
);

/** The whole answer. */
export const STORY = TOKENS.join("");

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

/** A provider that answers, and continues what an assistant's turn begins. */
export interface Storyteller extends AsyncDisposable {
  readonly baseURL: string;
  /** How often it was asked. */
  calls: number;
}

/**
 * Starts a healthy provider.
 *
 * @param model What it calls itself.
 * @param refusesPrefill Whether a request that ends with an assistant's turn gets
 * 400.
 */
export function storyteller(
  model: string,
  refusesPrefill: boolean,
): Storyteller {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      teller.calls++;
      const { messages } = await request.json();
      const last = messages.at(-1);
      if (refusesPrefill && last.role === "assistant") {
        const message = "This model does not support assistant message prefill";
        return Response.json({ error: { message } }, { status: 400 });
      }
      const said: string =
        messages.findLast((each: { role: string }) => each.role === "assistant")
          ?.content ?? "";
      return new Response(ReadableStream.from(tell(model, said)), {
        headers: { "content-type": "text/event-stream" },
      });
    },
  );
  const { port } = server.addr;
  const teller: Storyteller = {
    baseURL: `http://127.0.0.1:${port}/v1`,
    calls: 0,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
  return teller;
}

async function* tell(model: string, said: string): AsyncGenerator<Uint8Array> {
  const utf8 = new TextEncoder();
  const event = (value: object) =>
    utf8.encode(`data: ${JSON.stringify(value)}\n\n`);
  let length = 0;
  for (const token of TOKENS) {
    length += token.length;
    if (length <= said.length) continue;
    await delay(2);
    yield event(chunk(model, token));
  }
  for (const value of ending(model)) yield event(value);
  yield utf8.encode("data: [DONE]\n\n");
}
