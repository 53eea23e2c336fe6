/** An answer other than the one asked for; `status` is 0 when there was none at all. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {{code?: string, message?: string, details?: *, request_id?: string}} [error]
   * @param {number} [retryAfterMs] how long the service asks to be left alone
   */
  constructor(
    status,
    { code = "UNKNOWN", message = "The request failed", details, request_id } = {},
    retryAfterMs = 0,
  ) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.details = details;
    this.requestId = request_id;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may be answered another time. */
  get isTransient() {
    return [0, 429, 502, 503, 504].includes(this.status);
  }

  /** Whether asking again is no use: the token isn't good for it, or the request makes no sense. */
  get isRefusal() {
    return this.status >= 400 && this.status < 500 && ![404, 408, 429].includes(this.status);
  }

  /** Whether the service says that there is no such session, at least for this caller. */
  get isAbsence() {
    return this.code === "SESSION_NOT_FOUND";
  }
}

/** @param {string} [message] */
export function unreachable(message = "The service can't be reached") {
  return new ApiError(0, { code: "UNREACHABLE", message });
}
