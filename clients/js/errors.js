/** An error response; `status` is 0 if the service did not answer. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {{code?: string, message?: string, details?: *, request_id?: string}} [error]
   * @param {number} [retryAfterMs] from the header `Retry-After`; 0 if there was none
   * @param {*} [cause] the error of `fetch`
   */
  constructor(
    status,
    { code = "UNKNOWN", message = `The request failed with status ${status}`, ...more } = {},
    retryAfterMs = 0,
    cause = undefined,
  ) {
    super(withFirstField(message, more.details), cause && { cause });
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.details = more.details;
    this.requestId = more.request_id;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether a retry of the same request may succeed. */
  get isTransient() {
    return [0, 429, 502, 503, 504].includes(this.status);
  }

  /** Whether a retry is useless: the token lacks the right, or the request is invalid. */
  get isRefusal() {
    return this.status >= 400 && this.status < 500 && ![404, 408, 429].includes(this.status);
  }

  /** Whether the service says that the session doesn't exist, at least for this caller. */
  get isAbsence() {
    return this.code === "SESSION_NOT_FOUND";
  }
}

/** The message and the first wrong field, such as `Request validation failed: repeat is required`. */
function withFirstField(message, details) {
  const [first] = Array.isArray(details) ? details : [];
  if (!first?.field || first.message === message) return message;
  return `${message}: ${first.field} ${first.message}`;
}

/** The error of a request that the service did not answer. */
export function unreachable(baseUrl, reason, cause) {
  const message = `The service can't be reached at ${baseUrl}: ${reason}`;
  return new ApiError(0, { code: "UNREACHABLE", message }, 0, cause);
}

/**
 * Why `fetch` got no answer. Browsers don't say that CORS is the reason, so it is named whenever it
 * may be.
 */
export function unansweredReason(error, baseUrl) {
  const { cause } = error; // in Node
  const reason = cause?.message || cause?.code || error.message;
  const page = globalThis.location?.origin;
  if (!page || page === new URL(baseUrl).origin) return reason;
  return `${reason}. If the service runs, its CORS_ORIGINS must list ${page}`;
}
