// The errors of a stream. What a server sent goes into them without secrets.

import { oneLine } from "../_shared/error_text.ts";
import { parseJson } from "../_shared/safe_access.ts";
import type { ChatChunk } from "./_chat.ts";
import { finishFailure, finishReasonText } from "./_finish_reason.ts";
import { errorIn, readError } from "./_provider_error.ts";
import type { Redactor } from "./_redact.ts";
import { MAX_ERROR_LENGTH } from "./_stray_lines.ts";
import { StreamError } from "./stream_error.ts";

/** How much of what makes no sense is shown, in characters. */
const MAX_EXCERPT_LENGTH = 80;

/** Makes the errors of one stream. */
export class StreamFailures {
  /** The status that a comment gave, as DashScope's `:HTTP_STATUS/429`. */
  commentStatus: number | undefined;
  readonly #redactor: Redactor;
  readonly #contentType: string;

  constructor(redactor: Redactor, contentType: string) {
    this.#redactor = redactor;
    this.#contentType = contentType;
  }

  /** For data that are an error, or the text of one. */
  fromData(data: string): StreamError {
    const text = data.trim();
    const value = parseJson(data) ?? text.slice(0, MAX_ERROR_LENGTH);
    return this.fromError(errorIn(value) ?? value, value, text);
  }

  /**
   * For an error in an answer.
   *
   * @param answer Holds the error, and maybe the status beside it.
   * @param text What the answer was parsed from.
   */
  fromError(error: unknown, answer: unknown, text: string): StreamError {
    const shown = this.#redactor.deep(error);
    const details = readError(shown);
    const status = details.status ?? readError(answer).status ??
      this.commentStatus;
    const message = details.summary || this.#excerpt(text) ||
      "Server sent an error";
    return new StreamError(
      status ? `${status} ${message}` : message,
      shown === "" ? undefined : shown,
      { status },
    );
  }

  /** For a `finish_reason` that means failure. */
  fromFinish(finishReason: string, chunk: ChatChunk): StreamError {
    // SGLang: `{ "type": "abort", "message": …, "status_code": 503 }`
    const reasons = chunk.choices.map((choice) => choice.finish_reason);
    const reason: unknown = reasons.find((each) =>
      finishReasonText(each) === finishReason
    );
    const shown = this.#redactor.deep(reason);
    const { summary, status } = readError(
      typeof shown === "object" ? shown : undefined,
    );
    const details = summary && summary !== finishReason ? `: ${summary}` : "";
    return new StreamError(
      `Server ended the stream with finish_reason ${
        this.#quote(finishReason)
      }${details}`,
      undefined,
      { status: status ?? finishFailure(finishReason)?.status },
    );
  }

  /**
   * For an answer that a filter withheld. The model works and would do the same
   * again, so the status is 400: no retry, and no matter of health.
   */
  fromFilter(finishReason: string): StreamError {
    return new StreamError(
      `The answer was filtered: it has no content, and finish_reason ${
        this.#quote(finishReason)
      }`,
      undefined,
      { status: 400, code: "content_filter" },
    );
  }

  /** For an event that is not a chunk. */
  noChunk(data: string): StreamError {
    return new StreamError(
      `Cannot read an event of the stream as it is not a JSON object: ${
        this.#excerpt(data)
      }`,
    );
  }

  /** For a body that is neither an event stream nor an answer in JSON. */
  noStream(text: string): StreamError {
    const type = oneLine(this.#redactor.text(this.#contentType));
    const kind = type === "" ? "" : ` (content type '${type}')`;
    return new StreamError(
      `Cannot read the answer${kind} as it is neither an event stream nor a chat completion: ${
        this.#excerpt(text)
      }`,
      undefined,
      { status: this.commentStatus },
    );
  }

  /** For an event of more than so many bytes. */
  tooLong(maxEventBytes: number): StreamError {
    return new StreamError(
      `Cannot read the stream as an event is longer than ${maxEventBytes} bytes (maxEventBytes)`,
    );
  }

  #quote(text: string): string {
    return JSON.stringify(oneLine(this.#redactor.text(text), 40));
  }

  #excerpt(text: string): string {
    const start = text.slice(0, MAX_ERROR_LENGTH);
    return oneLine(this.#redactor.text(start), MAX_EXCERPT_LENGTH);
  }
}
