import { pathSegment } from "./ids.js";

const PATH = "/v1/webhooks";

/** Webhooks of the caller's tenant (docs/webhooks.md); only a service token may manage them. */
export class Webhooks {
  #api;

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
  }

  /**
   * Send these events, or `["*"]`, to `url`. The answer has the secret, for the only time.
   *
   * @param {string} url
   * @param {string[]} events
   * @returns {Promise<import("./synckairos.js").NewWebhook>}
   */
  async create(url, events) {
    return (await this.#api.change("POST", PATH, { body: { url, events } })).data;
  }

  /**
   * All webhooks, the oldest first.
   *
   * @returns {Promise<import("./synckairos.js").Webhook[]>}
   */
  async list() {
    return (await this.#api.get(PATH)).data.webhooks;
  }

  /**
   * Delete a webhook; one that doesn't exist is ignored.
   *
   * @param {string} id
   */
  async delete(id) {
    await this.#api.change("DELETE", pathOf(id));
  }

  /**
   * Make a new secret, which the answer has; the old one stays valid for 24 h.
   *
   * @param {string} id
   * @returns {Promise<import("./synckairos.js").NewWebhook>}
   */
  async rotate(id) {
    return (await this.#api.change("POST", `${pathOf(id)}/rotate`)).data;
  }

  /**
   * Send a test event now; resolves with what the receiver answered.
   *
   * @param {string} id
   * @returns {Promise<import("./synckairos.js").Delivery>}
   */
  async test(id) {
    return (await this.#api.change("POST", `${pathOf(id)}/test`)).data;
  }

  /**
   * Attempts to deliver, oldest first; `after` is `next` of the page before.
   *
   * @param {string} id
   * @param {{after?: string, limit?: number}} [page]
   * @returns {Promise<{deliveries: import("./synckairos.js").Delivery[], next: string | null}>}
   */
  async deliveries(id, { after, limit = 100 } = {}) {
    const query = new URLSearchParams({ limit: String(limit), ...(after && { after }) });
    return (await this.#api.get(`${pathOf(id)}/deliveries?${query}`)).data;
  }
}

function pathOf(id) {
  return `${PATH}/${pathSegment(id)}`;
}
