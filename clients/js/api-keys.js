import { pathSegment } from "./ids.js";

const PATH = "/v1/api-keys";

/** API keys of the caller's tenant (docs/api-keys.md); only a service may manage them. */
export class ApiKeys {
  #api;

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
  }

  /**
   * Create a key. The answer has the key itself, for the only time.
   *
   * @param {import("./synckairos.js").ApiKeyOptions} options
   * @returns {Promise<import("./synckairos.js").NewApiKey>}
   */
  async create(options) {
    return (await this.#api.change("POST", PATH, { body: options })).data;
  }

  /**
   * All keys, the oldest first; revoked and expired ones for 30 days.
   *
   * @returns {Promise<import("./synckairos.js").ApiKey[]>}
   */
  async list() {
    return (await this.#api.get(PATH)).data.api_keys;
  }

  /**
   * Revoke a key, which takes effect within 5 s; one that doesn't exist is ignored.
   *
   * @param {string} id
   */
  async revoke(id) {
    await this.#api.change("DELETE", `${PATH}/${pathSegment(id)}`);
  }
}
