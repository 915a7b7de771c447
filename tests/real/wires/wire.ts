/** What a provider sends: pieces of the body of a response. */
export interface Wire {
  readonly contentType: string;
  /** The events before the first content. */
  readonly preamble: string;
  /** "Hel". */
  readonly content: string;
  /** The rest of a complete answer. */
  readonly end: string;
  /** The end of an answer without content, if it differs. */
  readonly empty?: string;
  /** The end of an answer that a filter stopped. */
  readonly filtered: string;
  /** An error inside the stream. */
  readonly error: string;
  /** The body of an error response. */
  readonly errorBody: string;
}

export function sse(...events: object[]): string {
  return events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
}

/** Events whose `event` field is their type. */
export function typed(...events: { readonly type: string }[]): string {
  return events.map((event) =>
    `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
  ).join("");
}
