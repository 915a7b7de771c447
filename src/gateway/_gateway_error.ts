// An error as a client of the protocol gets it.

/** What a {@linkcode GatewayError} is made of besides status and message. */
export interface GatewayErrorFields {
  readonly type?: string | undefined;
  readonly code?: string | null | undefined;
  readonly param?: string | null | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly cause?: unknown;
}

/** An answer of the gateway that is an error. All of it reaches the client. */
export class GatewayError extends Error {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    { type, code, param, headers, cause }: GatewayErrorFields = {},
  ) {
    super(message, { cause });
    this.name = "GatewayError";
    this.status = status;
    this.type = type ??
      (status < 500 ? "invalid_request_error" : "server_error");
    this.code = code ?? null;
    this.param = param ?? null;
    this.headers = headers ?? {};
  }

  /** The body of the protocol. */
  get body(): { error: object } {
    const { message, type, code, param } = this;
    return { error: { message, type, code, param } };
  }

  toResponse(headers: Headers): Response {
    for (const [name, value] of Object.entries(this.headers)) {
      headers.set(name, value);
    }
    headers.set("cache-control", "no-store");
    return Response.json(this.body, { status: this.status, headers });
  }
}
