// Calls and their spans: everything that callers can do.

import { step } from "@fallback/stream/testing";
import { delay } from "@std/async/delay";
import { overloaded, reset, type SpanCase } from "./_span_cases.ts";

/** Calls that the caller reads slowly, closes, or cancels. */
export const callerCases: readonly SpanCase[] = [
  {
    name: "an answer that the caller reads slowly",
    scripts: [[["x", "y"]]],
    read: async (stream) => {
      await delay(1000);
      for await (const _ of stream);
    },
    spans: [
      "chat 0–1000 completed",
      "  chat a 0–1000 completed",
    ],
  },
  {
    name: "a call with a signal that is aborted already",
    scripts: [[["x"]]],
    abortAt: 0,
    spans: ["chat 0–0 cancelled"],
  },
  {
    name: "a call that is aborted before the first content",
    scripts: [[[step.fail(overloaded)]], [[step.hang()]]],
    abortAt: 40,
    spans: [
      "chat 0–40 cancelled",
      "  chat a 0–0 failed !529",
      "  chat b 0–40 cancelled",
    ],
  },
  {
    name: "a call that is aborted while a retry waits",
    scripts: [[[step.fail(overloaded)]]],
    options: { retry: { minDelayMs: 100, jitter: 0 } },
    abortAt: 40,
    spans: [
      "chat 0–40 cancelled",
      "  * fallback.retry at 0 a 0.1",
      "  chat a 0–0 failed !529",
    ],
  },
  {
    name: "an answer that is aborted",
    scripts: [[["x", step.hang()]]],
    abortAt: 40,
    spans: [
      "chat 0–40 cancelled",
      "  chat a 0–40 cancelled",
    ],
  },
  {
    name: "an answer that exceeds totalMs",
    scripts: [[["x", step.hang()]]],
    options: { timeouts: { totalMs: 40 } },
    spans: [
      "chat 0–40 cancelled !ModelTimeoutError",
      "  chat a 0–40 cancelled !ModelTimeoutError",
    ],
  },
  {
    name: "a call that exceeds totalMs before the first content",
    scripts: [[[step.hang()]]],
    options: { timeouts: { totalMs: 40 } },
    spans: [
      "chat 0–40 cancelled !ModelTimeoutError",
      "  chat a 0–40 cancelled !ModelTimeoutError",
    ],
  },
  {
    name: "a caller that leaves its loop",
    scripts: [[["x", step.wait(10), "y", step.wait(10), "z"]]],
    read: async (stream) => {
      for await (const chunk of stream) if (chunk === "y") break;
    },
    spans: [
      "chat 0–10 cancelled",
      "  chat a 0–10 cancelled",
    ],
  },
  {
    name: "a caller that calls return() while next() is pending",
    scripts: [[["x", step.hang()]]],
    read: async (stream) => {
      await stream.next();
      const pull = stream.next();
      await delay(15);
      await stream.return();
      await pull;
    },
    spans: [
      "chat 0–15 cancelled",
      "  chat a 0–15 cancelled",
    ],
  },
  {
    name: "a caller that calls throw()",
    scripts: [[["x", "y"]]],
    read: (stream) => stream.throw(reset),
    spans: [
      "chat 0–0 cancelled",
      "  chat a 0–0 cancelled",
    ],
  },
  {
    name: "a caller that cancels the ReadableStream",
    scripts: [[["x", "y"]]],
    read: (stream) => stream.toReadableStream().cancel(),
    spans: [
      "chat 0–0 cancelled",
      "  chat a 0–0 cancelled",
    ],
  },
  {
    name: "a caller that disposes of the stream twice",
    scripts: [[["x"]]],
    read: async (stream) => {
      for await (const _ of stream);
      await stream[Symbol.asyncDispose]();
      await stream.return();
      await stream.next();
    },
    spans: [
      "chat 0–0 completed",
      "  chat a 0–0 completed",
    ],
  },
];
