// The process that is measured: the gateway and two relays that parse nothing,
// before the same provider. It prints its port.

import { gateway } from "@fallback/stream/gateway";
import { openaiModel } from "@fallback/stream/openai";
import process from "node:process";

const [provider = ""] = Deno.args;

const handler = gateway({
  models: { chat: [openaiModel({ model: "m", baseURL: provider })] },
  authorize: "anyone",
  maxConcurrent: 100_000,
});

/** Reads the provider's body in JavaScript and sends the same bytes. */
async function relay(request: Request): Promise<Response> {
  const { body } = await callProvider(request);
  const reader = body!.getReader();
  return new Response(
    new ReadableStream({
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => reader.cancel(),
    }, { highWaterMark: 0 }),
  );
}

function callProvider(request: Request): Promise<Response> {
  return fetch(`${provider}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: request.body,
  });
}

/** Processor time in microseconds. */
function measureTime(): object {
  const { user, system } = process.cpuUsage();
  return { cpu: user + system };
}

/** Bytes. Apart from the time, because garbage collection discards compiled code. */
function measureMemory(): object {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  const { heapUsed, rss } = Deno.memoryUsage();
  return { heapUsed, rss };
}

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(port),
}, async (request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/time") return Response.json(measureTime());
  if (pathname === "/memory") return Response.json(measureMemory());
  if (pathname.startsWith("/relay/")) return await relay(request);
  if (pathname.startsWith("/pass/")) {
    return new Response((await callProvider(request)).body);
  }
  return await handler(request);
});
