import { measurementOf } from "../measurement.js";
import { SILENCE_TIMEOUT_MS } from "../timing.js";
import { eventsIn } from "./event-stream.js";

const REJECTIONS = [401, 403, 404];

/**
 * Pushes as server-sent events. Uses `fetch`, because an `EventSource` needs the token in the URL
 * and hides the status of a rejection.
 *
 * @implements {import("../connector.js").Transport}
 */
export class SseTransport {
  static canPing = false;
  static bringsState = true;
  #controller = null;
  #timeout;

  /**
   * @param {{url: string, query: Object<string, string>, token?: string,
   *   clock: import("../clock.js").ServerClock, fetch?: typeof fetch,
   *   local: import("../platform.js").Platform,
   *   on: import("../connector.js").Listeners}} options
   */
  constructor({ url, query, token, clock, fetch: send, local, on }) {
    this.url = `${url}?${new URLSearchParams({ ...query, ...measurementOf(clock) })}`;
    this.headers = {
      Accept: "text/event-stream",
      ...(token && { Authorization: `Bearer ${token}` }),
    };
    this.send = send ?? ((...call) => globalThis.fetch(...call));
    this.local = local;
    this.on = on;
  }

  open() {
    const controller = new AbortController();
    this.#controller = controller;
    this.#follow(controller).then(
      (how) => this.#handleEnd(controller, how),
      () => this.#handleEnd(controller, {}),
    );
  }

  close() {
    this.local.clearTimer(this.#timeout);
    this.#controller?.abort();
    this.#controller = null;
  }

  ping() {}

  resync() {}

  /** A stream is one-way, so it can't take a new token. */
  renew() {
    return false;
  }

  async #follow(controller) {
    this.#resetTimeout(controller);
    const { headers } = this;
    const { signal } = controller;
    const response = await this.send(this.url, { headers, signal, cache: "no-store" });
    if (!response.ok) {
      const retryAfterMs = Number(response.headers.get("Retry-After")) * 1000 || 0;
      controller.abort();
      return { refused: REJECTIONS.find((status) => status === response.status), retryAfterMs };
    }
    for await (const data of eventsIn(response.body, () => this.#resetTimeout(controller))) {
      if (this.#controller !== controller) break;
      this.#receive(JSON.parse(data));
    }
    return {};
  }

  #receive(message) {
    if (message.type === "CONNECTED") this.on.live();
    else this.on.message(message);
  }

  #resetTimeout(controller) {
    this.local.clearTimer(this.#timeout);
    this.#timeout = this.local.setTimer(() => controller.abort(), SILENCE_TIMEOUT_MS);
  }

  #handleEnd(controller, how) {
    if (this.#controller !== controller) return;
    this.close();
    this.on.down(how);
  }
}
