// One call, as a client of the chat completions protocol sees it.

import { createParser } from "eventsource-parser";

/** The result of a call, as the client sees it. */
export interface Seen {
  readonly status: number;
  readonly text: string;
  /** Whether a `finish_reason` arrived. */
  readonly finished: boolean;
  /** Whether `[DONE]` arrived. */
  readonly done: boolean;
  /** The error code, from the body or the stream. */
  readonly errorCode: string | undefined;
  /** Whether the client got an error. */
  readonly failed: boolean;
  readonly model: string | undefined;
  readonly usage: { readonly completion_tokens?: number } | undefined;
  /** How long it took, in milliseconds, in steps of 10. */
  readonly ms: number;
  /** The longest silence, in milliseconds. */
  readonly gapMs: number;
}

/** Makes one streamed call. */
export async function call(
  url: string,
  headers: Record<string, string>,
  model: string,
  limitMs: number,
): Promise<Seen> {
  let ms = 0;
  // Not a clock: on a busy machine a timer is late, as everything else is.
  const timer = setInterval(() => ms += 10, 10);
  const seen = {
    status: 0,
    text: "",
    finished: false,
    done: false,
    errorCode: undefined as string | undefined,
    failed: false,
    model: undefined as string | undefined,
    usage: undefined as Seen["usage"],
    gapMs: 0,
  };
  let lastAt = performance.now();
  const parser = createParser({
    onEvent({ data }) {
      if (data === "[DONE]") {
        seen.done = true;
        return;
      }
      const chunk = parse(data);
      if (chunk === undefined || chunk.error) {
        seen.failed = true;
        seen.errorCode = chunk?.error?.code ?? "malformed";
        return;
      }
      seen.text += chunk.choices?.[0]?.delta?.content ?? "";
      seen.finished ||= Boolean(chunk.choices?.[0]?.finish_reason);
      seen.model = chunk.model ?? seen.model;
      seen.usage = chunk.usage ?? seen.usage;
    },
  });
  try {
    const response = await fetch(`${url}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({
        model,
        stream: true,
        stream_options: { include_usage: true },
        messages: [{ role: "user", content: "Count." }],
      }),
      signal: AbortSignal.timeout(limitMs),
    });
    seen.status = response.status;
    if (!response.ok) {
      const body = parse(await response.text());
      seen.failed = true;
      seen.errorCode = body?.error?.code ?? undefined;
    } else {
      const decoder = new TextDecoder();
      for await (const bytes of response.body!) {
        const now = performance.now();
        seen.gapMs = Math.max(seen.gapMs, Math.round(now - lastAt));
        lastAt = now;
        parser.feed(decoder.decode(bytes, { stream: true }));
      }
    }
  } catch {
    seen.failed = true;
    seen.errorCode ??= "connection";
  } finally {
    clearInterval(timer);
  }
  return { ...seen, ms };
}

// deno-lint-ignore no-explicit-any -- whatever a gateway answers
function parse(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
