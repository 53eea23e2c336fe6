/** An error response; `status` is 0 if the service did not answer. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {{code?: string, message?: string, details?: *, request_id?: string}} [error]
   * @param {number} [retryAfterMs] from the header `Retry-After`; 0 if there was none
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

/** @param {string} [message] */
export function unreachable(message = "The service can't be reached") {
  return new ApiError(0, { code: "UNREACHABLE", message });
}
