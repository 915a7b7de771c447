/**
 * The share of calls that fail with and without a health store: 300 concurrent
 * calls over loopback, where 2 % of the answers are 429 with `retry-after: 1`
 * and the first model is down. Prints both shares and ends with code 1 if they
 * differ by three standard errors or more. `--seconds=20` is the length of each
 * of the four runs.
 *
 * @module
 */

import { fallbackStream, type HealthStore } from "@fallback/stream";
import { memoryHealth } from "@fallback/stream/health";
import { openaiModel } from "@fallback/stream/openai";

const CONCURRENT = 300;
const SECONDS = Number(/--seconds=(\d+)/.exec(Deno.args.join(" "))?.[1] ?? 20);

const chunk = (delta: object, finish_reason: string | null) =>
  `data: ${
    JSON.stringify({
      id: "1",
      object: "chat.completion.chunk",
      created: 1,
      model: "m",
      choices: [{ index: 0, delta, finish_reason }],
    })
  }\n\n`;
const ANSWER = chunk({ role: "assistant", content: "Hello" }, null) +
  chunk({}, "stop") + "data: [DONE]\n\n";

/** A provider that answers after 5 ms, except for a share of the calls. */
function serve(respond: () => Response | undefined) {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      await request.body?.cancel();
      await new Promise((resolve) => setTimeout(resolve, 5));
      return respond() ??
        new Response(ANSWER, {
          headers: { "content-type": "text/event-stream" },
        });
    },
  );
  return { server, baseURL: `http://127.0.0.1:${server.addr.port}/v1` };
}

const isLimited = () => Math.random() < 0.02;
const limited = () =>
  new Response("{}", { status: 429, headers: { "retry-after": "1" } });
const down = serve(() => new Response("{}", { status: 503 }));
const flaky = serve(() => isLimited() ? limited() : undefined);
const models = [down, flaky].map(({ baseURL }, i) =>
  openaiModel({ model: `model-${i}`, baseURL, apiKey: "key" })
);
const request = { messages: [{ role: "user" as const, content: "hi" }] };

/** The number of calls and of failed ones. */
async function run(health: HealthStore | undefined) {
  const end = Date.now() + SECONDS * 1000;
  let [calls, failed] = [0, 0];
  const loop = async () => {
    while (Date.now() < end) {
      calls++;
      try {
        await using stream = await fallbackStream(models, request, { health });
        for await (const _ of stream);
      } catch {
        failed++;
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT }, loop));
  return { calls, failed };
}

for (let round = 1; round <= 2; round++) {
  const without = await run(undefined);
  const withStore = await run(memoryHealth());
  const shares = [without, withStore].map(({ calls, failed }) =>
    failed / calls
  );
  const pooled = (without.failed + withStore.failed) /
    (without.calls + withStore.calls);
  const standardError = Math.sqrt(
    pooled * (1 - pooled) * (1 / without.calls + 1 / withStore.calls),
  );
  const difference = Math.abs(shares[0]! - shares[1]!) / (standardError || 1);
  const shown = shares.map((share) => `${(share * 100).toFixed(2)} %`);
  console.log(
    `run ${round}: without a store ${without.failed} of ${without.calls} failed (${
      shown[0]
    }), with one ${withStore.failed} of ${withStore.calls} (${shown[1]}): ${
      difference.toFixed(2)
    } standard errors`,
  );
  if (difference >= 3) Deno.exitCode = 1;
}
await Promise.all([down, flaky].map(({ server }) => server.shutdown()));
