// The HTTP status for the code of an error object. An error inside a stream comes
// after a 200, and often has only a code such as "rate_limit_exceeded".

/** The codes of each status, without separators and a final `error`. */
const CODES: Readonly<Record<number, readonly string[]>> = {
  400: [
    "badrequest",
    "invalidrequest",
    "invalidargument",
    "invalidparameter",
    "failedprecondition",
    "outofrange",
    "validation",
    "contextlengthexceeded",
    "contextwindowexceeded",
    "exceedcontextsize",
    "contentfilter",
    "contentpolicyviolation",
    "responsibleaipolicyviolation",
    "datainspectionfailed",
  ],
  401: [
    "authentication",
    "unauthenticated",
    "unauthorized",
    "invalidapikey",
    "incorrectapikey",
    "invalidauthentication",
  ],
  402: [
    "billing",
    "paymentrequired",
    "insufficientbalance",
    "insufficientcredits",
    "arrearage",
  ],
  403: ["permission", "permissiondenied", "forbidden", "accessdenied"],
  404: ["notfound", "modelnotfound", "resourcenotfound"],
  408: ["requesttimeout"],
  409: ["conflict", "aborted"],
  413: ["requesttoolarge", "payloadtoolarge"],
  422: ["unprocessableentity"],
  429: [
    "ratelimit",
    "ratelimited",
    "ratelimitexceeded",
    "ratelimitreached",
    "toomanyrequests",
    "quotaexceeded",
    "exceededcurrentquota",
    "insufficientquota",
    "resourceexhausted",
    "limitexceeded",
    "limitrequests",
    "engineoverloaded",
  ],
  500: ["api", "server", "internal", "internalserver", "unknown"],
  502: ["badgateway", "providerunavailable", "upstream"],
  503: [
    "unavailable",
    "serviceunavailable",
    "modelunavailable",
    "serveroverloaded",
    "serverisoverloaded",
    "serverbusy",
    "modeloverloaded",
    "modelloading",
    "insufficientsystemresource",
  ],
  504: ["timeout", "gatewaytimeout", "deadlineexceeded"],
  529: ["overloaded"],
};

const STATUSES = new Map(
  Object.entries(CODES).flatMap(([status, codes]) =>
    codes.map((code) => [code, Number(status)] as const)
  ),
);

/**
 * The status for the `type`, `code` or `status` of an error object, however it
 * is spelled: `rate_limit_exceeded`, `RateLimitError`, `RATE_LIMITED`.
 */
export function statusOfCode(code: unknown): number | undefined {
  if (typeof code !== "string") return undefined;
  const key = code.toLowerCase().replace(/[^a-z0-9]/g, "");
  // DashScope: Throttling, Throttling.RateQuota, Throttling.AllocationQuota.
  if (key.startsWith("throttling")) return 429;
  return STATUSES.get(key.replace(/(?:error|exception)$/, ""));
}

/** Codes of MiniMax, which come as `base_resp.status_code`. */
const MINIMAX: Readonly<Record<number, number>> = {
  1000: 500,
  1001: 504,
  1002: 429,
  1004: 401,
  1008: 402,
  1013: 500,
  1024: 500,
  1026: 400,
  1027: 400,
  1033: 500,
  1039: 429,
  1041: 429,
  2013: 400,
  2049: 401,
  2056: 429,
};

/** The status for MiniMax's `base_resp.status_code`. */
export function statusOfMiniMax(code: unknown): number | undefined {
  return typeof code === "number" ? MINIMAX[code] : undefined;
}
