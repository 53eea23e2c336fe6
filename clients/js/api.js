import { backoff } from "./backoff.js";
import { ApiError, unansweredReason, unreachable } from "./errors.js";
import { newId } from "./ids.js";
import { platform } from "./platform.js";
import { serviceUrl } from "./service-url.js";
import { ATTEMPT_TIMEOUT_MS, ATTEMPTS, CALL_TIMEOUT_MS } from "./timing.js";

/**
 * @typedef {{ifMatch?: number, dryRun?: boolean, signal?: AbortSignal, timeout?: number}} CallOptions
 * @typedef {CallOptions & {representation?: boolean}} SwitchOptions `representation`: answer the
 *   whole session
 * @typedef {object} ApiResponse
 * @property {number} status
 * @property {*} data the response's `data`; null without a body
 */

/**
 * HTTP calls to the service, with retries. Each change carries an idempotency key, so retries apply
 * it only once.
 */
export class Api {
  /** The rest of the caller's rate limit, from the last response. */
  rateLimitRemaining = Infinity;
  #source;
  #token;
  #refreshing = null;

  /**
   * @param {{baseUrl?: string, token?: import("./synckairos.js").Token, fetch?: typeof fetch,
   *   local?: import("./platform.js").Platform}} [options]
   */
  constructor({ baseUrl = "", token, fetch: send, local = platform } = {}) {
    this.baseUrl = serviceUrl(baseUrl);
    this.send = send ?? ((...call) => globalThis.fetch(...call));
    this.local = local;
    this.#source = token;
    this.#token = typeof token === "function" ? undefined : token;
  }

  /**
   * The body of `GET /v1/time`, and the local instant at which the response arrived. No retries:
   * they would distort the round trip.
   */
  async time() {
    const { status, body, receivedAt } = await this.#send("/v1/time", {}, ATTEMPT_TIMEOUT_MS);
    if (typeof body?.timestamp_ms !== "number") throw new ApiError(status, body?.error);
    return { answer: body, serverMs: body.timestamp_ms, receivedAt };
  }

  /**
   * Read with retries.
   *
   * @param {string} path
   * @returns {Promise<ApiResponse>}
   */
  get(path) {
    return this.#call(path, { method: "GET" });
  }

  /**
   * Read without retries; status 304 if the version is still `ifNoneMatch`.
   *
   * @param {string} path
   * @param {{ifNoneMatch?: number}} [options]
   * @returns {Promise<ApiResponse>}
   */
  getOnce(path, options) {
    return this.#call(path, { method: "GET", attempts: 1, ...options });
  }

  /**
   * Make a change, with retries; with `dryRun`, only ask what it would do.
   *
   * @param {string} method
   * @param {string} path
   * @param {SwitchOptions & {body?: *}} [options]
   * @returns {Promise<ApiResponse>}
   */
  change(method, path, { dryRun, ...options } = {}) {
    const query = dryRun ? "?dry_run=true" : "";
    return this.#call(path + query, { method, key: newId(), ...options });
  }

  /**
   * Make a request, and retry it without an answer or after 429, 502, 503 and 504. Rejects with an
   * `ApiError`, or with the reason of `signal`.
   */
  async #call(path, { timeout = CALL_TIMEOUT_MS, attempts = ATTEMPTS, ...request }) {
    const until = this.local.monotonic() + timeout;
    for (let attempt = 0; ; attempt++) {
      const left = until - this.local.monotonic();
      try {
        return await this.#attempt(path, request, Math.min(left, ATTEMPT_TIMEOUT_MS));
      } catch (error) {
        if (!(error instanceof ApiError && error.isTransient)) throw error;
        const delay = Math.max(error.retryAfterMs, backoff(attempt, this.local));
        const isOut = this.local.monotonic() + delay >= until;
        if (isOut || attempt >= attempts - 1) throw error;
        await this.#delay(delay, request.signal);
      }
    }
  }

  /**
   * The caller's token; `refresh`: a new one, because the service rejected the last one.
   *
   * @returns {Promise<string|undefined>}
   */
  async token({ refresh = false } = {}) {
    if (typeof this.#source !== "function") return this.#source;
    if (this.#token !== undefined && !refresh) return this.#token;
    this.#refreshing ??= Promise.resolve()
      .then(this.#source)
      .finally(() => {
        this.#refreshing = null;
      });
    this.#token = (await this.#refreshing) ?? undefined;
    return this.#token;
  }

  async #attempt(path, request, timeoutMs) {
    return resultOf(await this.#authorized(path, request, timeoutMs), this.baseUrl);
  }

  /** The answer; if the token is rejected, that to a new token. */
  async #authorized(path, request, timeoutMs) {
    const token = await this.token();
    const answer = await this.#request(path, request, token, timeoutMs);
    if (answer.status !== 401 || typeof this.#source !== "function") return answer;
    const isStale = this.#token === token;
    const fresh = await this.token({ refresh: isStale });
    return fresh === token ? answer : this.#request(path, request, fresh, timeoutMs);
  }

  async #request(path, { method, body, signal, ...options }, token, timeoutMs) {
    const headers = headersOf({ body, token, ...options });
    const request = { method, headers, body: body && JSON.stringify(body) };
    const answer = await this.#send(path, request, timeoutMs, signal);
    this.rateLimitRemaining = remainingOf(answer.headers) ?? this.rateLimitRemaining;
    return answer;
  }

  /** Rejects with an `ApiError` without an answer, and with the signal's reason on abort. */
  async #send(path, request, timeoutMs, signal) {
    signal?.throwIfAborted();
    const controller = new AbortController();
    const abort = () => controller.abort();
    signal?.addEventListener("abort", abort);
    const timer = this.local.setTimer(abort, timeoutMs);
    try {
      const options = { cache: "no-store", ...request, signal: controller.signal };
      const response = await this.send(this.baseUrl + path, options);
      const receivedAt = this.local.monotonic();
      const { status, headers } = response;
      return { status, headers, receivedAt, body: parsed(await response.text()) };
    } catch (error) {
      signal?.throwIfAborted();
      const reason = controller.signal.aborted
        ? `no answer within ${Math.round(timeoutMs) / 1000} s`
        : unansweredReason(error, this.baseUrl);
      throw unreachable(this.baseUrl, reason, error);
    } finally {
      this.local.clearTimer(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  #delay(ms, signal) {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.local.clearTimer(timer);
        reject(signal.reason);
      };
      const timer = this.local.setTimer(() => {
        signal?.removeEventListener("abort", abort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", abort);
    });
  }
}

/** Null if the body isn't JSON: then it comes from a proxy, not from the service. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function headersOf({ body, token, key, ifMatch, ifNoneMatch, representation }) {
  return {
    ...(token && { Authorization: `Bearer ${token}` }),
    ...(key && { "Idempotency-Key": key }),
    ...(body !== undefined && { "Content-Type": "application/json" }),
    ...(ifMatch !== undefined && { "If-Match": `"${ifMatch}"` }),
    ...(ifNoneMatch !== undefined && { "If-None-Match": `"${ifNoneMatch}"` }),
    ...(representation && { Prefer: "return=representation" }),
  };
}

/** The rest of the caller's rate limit: the smallest, as proxies may add their own. */
function remainingOf(headers) {
  const counts = (headers.get("RateLimit-Remaining") ?? "").match(/(?<=^|,)\s*\d+\s*(?=,|$)/g);
  return counts && Math.min(...counts.map(Number));
}

function resultOf({ status, headers, body }, baseUrl) {
  if (status === 204 || status === 304) return { status, data: null };
  if (status < 300) {
    // Each successful response of the service has `data`.
    if (!body?.data) throw unreachable(baseUrl, `another server answered with status ${status}`);
    return { status, data: body.data };
  }
  const retryAfterMs = Number(headers.get("Retry-After")) * 1000 || 0;
  throw new ApiError(status, body?.error, retryAfterMs);
}
