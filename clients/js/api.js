import { backoff } from "./backoff.js";
import { ApiError, unreachable } from "./errors.js";
import { newId } from "./ids.js";
import { platform } from "./platform.js";

const ATTEMPTS = 5;
const TIMEOUT_MS = 15_000;
/** Timeout of one attempt. The next one is safe, because it has the same idempotency key. */
const ATTEMPT_TIMEOUT_MS = 5000;

/**
 * @typedef {{ifMatch?: number, signal?: AbortSignal, timeout?: number}} CallOptions
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
  budget = Infinity;
  #source;
  #token;
  #refreshing = null;

  /**
   * @param {{baseUrl?: string, token?: import("./synckairos.js").Token, fetch?: typeof fetch,
   *   local?: import("./platform.js").Platform}} [options]
   */
  constructor({ baseUrl = "", token, fetch: send, local = platform } = {}) {
    this.baseUrl = baseUrl.replace(/\/+$/, "");
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
   * Make a request, and retry it without an answer or after 429, 502, 503 and 504. Rejects with an
   * `ApiError`, or with the reason of `signal`.
   *
   * @param {string} method
   * @param {string} path
   * @param {CallOptions & {body?: *, ifNoneMatch?: number, attempts?: number}} [options]
   * @returns {Promise<ApiResponse>}
   */
  async call(method, path, { timeout = TIMEOUT_MS, attempts = ATTEMPTS, ...options } = {}) {
    const until = this.local.monotonic() + timeout;
    const isChange = method !== "GET";
    const request = { method, key: isChange ? newId() : undefined, ...options };
    for (let attempt = 0; ; attempt++) {
      const left = until - this.local.monotonic();
      try {
        return await this.#attempt(path, request, Math.min(left, ATTEMPT_TIMEOUT_MS));
      } catch (error) {
        if (!(error instanceof ApiError && error.isTransient)) throw error;
        const delay = Math.max(error.retryAfterMs, backoff(attempt, this.local));
        const isOut = this.local.monotonic() + delay >= until;
        if (isOut || attempt >= attempts - 1) throw error;
        await this.#delay(delay, options.signal);
      }
    }
  }

  /**
   * The caller's token; `isRefused`: a new one, because the service rejected the last one.
   *
   * @returns {Promise<string|undefined>}
   */
  async token({ isRefused = false } = {}) {
    if (typeof this.#source !== "function") return this.#source;
    if (this.#token !== undefined && !isRefused) return this.#token;
    this.#refreshing ??= Promise.resolve()
      .then(this.#source)
      .finally(() => {
        this.#refreshing = null;
      });
    this.#token = (await this.#refreshing) ?? undefined;
    return this.#token;
  }

  async #attempt(path, request, timeoutMs) {
    const token = await this.token();
    const answer = await this.#request(path, request, token, timeoutMs);
    if (answer.status !== 401 || typeof this.#source !== "function") return resultOf(answer);
    const isStale = this.#token === token;
    const fresh = await this.token({ isRefused: isStale });
    if (fresh === token) return resultOf(answer);
    return resultOf(await this.#request(path, request, fresh, timeoutMs));
  }

  async #request(path, { method, key, body, ifMatch, ifNoneMatch, signal }, token, timeoutMs) {
    const headers = {};
    if (token) headers.Authorization = `Bearer ${token}`;
    if (key) headers["Idempotency-Key"] = key;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (ifMatch !== undefined) headers["If-Match"] = `"${ifMatch}"`;
    if (ifNoneMatch !== undefined) headers["If-None-Match"] = `"${ifNoneMatch}"`;
    const request = { method, headers, body: body && JSON.stringify(body) };
    const answer = await this.#send(path, request, timeoutMs, signal);
    const left = answer.headers.get("RateLimit-Remaining");
    if (left !== null) this.budget = Number(left);
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
    } catch {
      signal?.throwIfAborted();
      throw unreachable();
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

function resultOf({ status, headers, body }) {
  if (status === 204 || status === 304) return { status, data: null };
  if (status < 300) {
    if (!body?.data) throw unreachable(); // each successful response of the service has `data`
    return { status, data: body.data };
  }
  const retryAfterMs = Number(headers.get("Retry-After")) * 1000 || 0;
  throw new ApiError(status, body?.error, retryAfterMs);
}
