import { eventsIn } from "./event-stream.js";

const FOR_GOOD = [401, 403, 404];
/** Timeout without data. The service sends a comment every 15 s if there is no event. */
const SILENT_MS = 35_000;

/**
 * Pushes as server-sent events. Uses `fetch`, because an `EventSource` needs the token in the URL
 * and hides the status of a rejection.
 *
 * @implements {import("../connector.js").Transport}
 */
export class SseTransport {
  static canPing = false;
  static bringsState = true;
  #cut = null;
  #silence;

  /**
   * @param {{url: string, token?: string, fetch?: typeof fetch,
   *   local: import("../platform.js").Platform,
   *   on: import("../connector.js").Listeners}} options
   */
  constructor({ url, token, fetch: send, local, on }) {
    this.url = `${url}?sync=1`;
    this.headers = {
      Accept: "text/event-stream",
      ...(token && { Authorization: `Bearer ${token}` }),
    };
    this.send = send ?? ((...call) => globalThis.fetch(...call));
    this.local = local;
    this.on = on;
  }

  open() {
    const cut = new AbortController();
    this.#cut = cut;
    this.#follow(cut).then(
      (how) => this.#lose(cut, how),
      () => this.#lose(cut, {}),
    );
  }

  close() {
    this.local.clearTimer(this.#silence);
    this.#cut?.abort();
    this.#cut = null;
  }

  ping() {}

  sync() {}

  /** A stream is one-way, so it can't take a new token. */
  renew() {
    return false;
  }

  async #follow(cut) {
    this.#listen(cut);
    const { headers } = this;
    const response = await this.send(this.url, { headers, signal: cut.signal, cache: "no-store" });
    if (!response.ok) {
      const retryAfterMs = Number(response.headers.get("Retry-After")) * 1000 || 0;
      cut.abort();
      return { refused: FOR_GOOD.find((status) => status === response.status), retryAfterMs };
    }
    for await (const data of eventsIn(response.body, () => this.#listen(cut))) {
      if (this.#cut !== cut) break;
      this.#receive(JSON.parse(data));
    }
    return {};
  }

  #receive(message) {
    if (message.type === "CONNECTED") this.on.live();
    else this.on.message(message);
  }

  #listen(cut) {
    this.local.clearTimer(this.#silence);
    this.#silence = this.local.setTimer(() => cut.abort(), SILENT_MS);
  }

  #lose(cut, how) {
    if (this.#cut !== cut) return;
    this.close();
    this.on.down(how);
  }
}
