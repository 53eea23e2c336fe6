import { backoff, pause } from "./backoff.js";
import { newId } from "./ids.js";

/** @typedef {import("./types.js").SessionState} SessionState */

const ATTEMPTS = 5;
const PATIENCE_MS = 10_000;
const UNREACHABLE = { code: "UNREACHABLE", message: "The service can't be reached" };

/** An answer other than the one asked for; `status` is 0 when there was none at all. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {{code?: string, message?: string, details?: *, request_id?: string}} error
   * @param {number} [retryAfterMs] how long the service asks to be left alone
   */
  constructor(
    status,
    { code = "UNKNOWN", message = "The request failed", details, request_id },
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
}

/** The HTTP calls. Every change carries an `Idempotency-Key`, so a retry can't happen twice. */
export class Api {
  /** @param {{base?: string, token?: string, fetch?: typeof fetch}} [options] */
  constructor({ base = "", token, fetch: send = (...call) => fetch(...call) } = {}) {
    this.base = base;
    this.token = token;
    this.send = send;
  }

  /**
   * One reading of the server's clock, and the local instant by which it had been taken. Never
   * retried, for that would spoil its round trip.
   *
   * @returns {Promise<import("./sample.js").Reading>}
   */
  async time() {
    const response = await this.send(`${this.base}/v1/time`, { cache: "no-store" });
    const receivedAt = performance.now();
    if (!response.ok) throw new ApiError(response.status, {});
    return { serverMs: (await response.json()).timestamp_ms, receivedAt };
  }

  /** @returns {Promise<SessionState>} */
  read(id) {
    return this.#call("GET", `/v1/sessions/${id}`);
  }

  /**
   * One look at a session, for somebody who looks again anyway: it is neither repeated nor waited
   * for without end.
   *
   * @param {string} id
   * @param {number} [known] the version that is no news
   * @returns {Promise<?SessionState>} null while it is that version
   */
  async look(id, known) {
    const headers = this.#headers("GET");
    if (known !== undefined) headers["If-None-Match"] = `"${known}"`;
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const request = { headers, signal, cache: "no-store" };
    const state = settle(await this.#try(`/v1/sessions/${id}`, request));
    if (state === undefined) throw new ApiError(0, UNREACHABLE); // cut short, or no answer of ours
    return state;
  }

  /** @returns {Promise<SessionState>} */
  create(body) {
    return this.#call("POST", "/v1/sessions", body);
  }

  /** @returns {Promise<SessionState>} */
  start(id) {
    return this.#call("POST", `/v1/sessions/${id}/start`);
  }

  /** @param {{next_participant_id?: string, current_participant_id?: string}} [body] */
  switch(id, body) {
    return this.#call("POST", `/v1/sessions/${id}/switch`, body);
  }

  /** @returns {Promise<SessionState>} */
  pause(id) {
    return this.#call("POST", `/v1/sessions/${id}/pause`);
  }

  /** @returns {Promise<SessionState>} */
  resume(id) {
    return this.#call("POST", `/v1/sessions/${id}/resume`);
  }

  /** @returns {Promise<SessionState>} */
  complete(id) {
    return this.#call("POST", `/v1/sessions/${id}/complete`);
  }

  /** @returns {Promise<SessionState>} */
  cancel(id) {
    return this.#call("POST", `/v1/sessions/${id}/cancel`);
  }

  /** @returns {Promise<void>} */
  remove(id) {
    return this.#call("DELETE", `/v1/sessions/${id}`);
  }

  /** @returns {Promise<SessionState>} */
  addParticipant(id, body) {
    return this.#call("POST", `/v1/sessions/${id}/participants`, body);
  }

  /** @returns {Promise<SessionState>} */
  adjust(id, participantId, body) {
    return this.#call("PATCH", `/v1/sessions/${id}/participants/${participantId}`, body);
  }

  async #call(method, path, body) {
    const headers = this.#headers(method, body);
    const request = { method, headers, body: body && JSON.stringify(body), cache: "no-store" };
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#try(path, request);
      if (!outcome.isTransient || attempt === ATTEMPTS - 1) return settle(outcome);
      await pause(Math.max(outcome.retryAfterMs, backoff(attempt)));
    }
  }

  async #try(path, request) {
    try {
      const response = await this.send(this.base + path, request);
      const answer = response.status === 204 ? null : await response.json().catch(() => null);
      const retryAfterMs = Number(response.headers.get("Retry-After")) * 1000 || 0;
      return { response, answer, retryAfterMs, isTransient: response.status === 503 };
    } catch (cause) {
      return { cause, retryAfterMs: 0, isTransient: true };
    }
  }

  #headers(method, body) {
    const headers = {};
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    if (body) headers["Content-Type"] = "application/json";
    if (method !== "GET") headers["Idempotency-Key"] = newId();
    return headers;
  }
}

function settle({ response, answer, cause, retryAfterMs }) {
  if (cause) throw new ApiError(0, UNREACHABLE);
  if (response.status === 304) return null;
  if (!response.ok) throw new ApiError(response.status, answer?.error ?? {}, retryAfterMs);
  return answer?.data;
}
