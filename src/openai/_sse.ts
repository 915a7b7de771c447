// From bytes to server-sent events, one network packet at a time.

import { createParser, type EventSourceMessage } from "eventsource-parser";
import { StreamError } from "./stream_error.ts";

/** The longest event, in characters. */
const LONGEST_EVENT = 1024 * 1024;

/**
 * Reads the events of a body, and cancels it when it is left before its end.
 * An event that the end cuts off is none.
 *
 * @param reader Reads the body.
 * @returns The events in order.
 * @throws {StreamError} If an event is longer than 1 MiB.
 */
export async function* readEvents(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): AsyncGenerator<EventSourceMessage> {
  let events: EventSourceMessage[] = [];
  let tooLong = false;
  const parser = createParser({
    // What is kept from packet to packet; an event in one packet passes by it.
    maxBufferSize: LONGEST_EVENT,
    onError: ({ type }) => tooLong ||= type === "max-buffer-size-exceeded",
    onEvent(event) {
      if (event.data.length > LONGEST_EVENT) tooLong = true;
      if (!tooLong) events.push(event);
    },
  });
  const decoder = new TextDecoder();
  try {
    while (true) {
      const { value, done } = await reader.read();
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* events;
      events = [];
      if (tooLong) {
        throw new StreamError(
          `Cannot read the stream as an event is longer than ${LONGEST_EVENT} characters`,
        );
      }
    }
  } finally {
    // A body that broke rejects with what reading it has thrown already.
    await reader.cancel().catch(() => {});
  }
}
