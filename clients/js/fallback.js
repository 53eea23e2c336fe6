import { sessionPath } from "./ids.js";
import { SseTransport } from "./transports/sse.js";
import { SupabaseTransport } from "./transports/supabase.js";
import { WebSocketTransport } from "./transports/websocket.js";

/**
 * @typedef {object} Candidate a transport to try
 * @property {string} name
 * @property {object} subscription the service's answer on how to follow
 * @property {(on: import("./connector.js").Listeners) => import("./connector.js").Transport} make
 */

/** Asks the service how to follow a session; concurrent calls share one request. */
export class Subscriber {
  /** Whether the connections to come ask for the session's presence. */
  presence = false;
  #how;
  #asking = null;

  /**
   * @param {{id: string, api: import("./api.js").Api, clock: import("./clock.js").ServerClock,
   *   forced?: string, options: object, local: import("./platform.js").Platform}} how
   */
  constructor(how) {
    this.#how = how;
  }

  get isAsking() {
    return this.#asking !== null;
  }

  /**
   * Rejects with the request's error.
   *
   * @param {{isRenewal?: boolean}} [options] `isRenewal`: get a new caller's token first
   * @returns {Promise<Candidate[]>}
   */
  ask({ isRenewal = false } = {}) {
    this.#asking ??= this.#ask(isRenewal).finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask(isRenewal) {
    const { id, api, forced } = this.#how;
    if (isRenewal) await api.token({ refresh: true });
    const isPlain = ["sse", "polling"].includes(forced);
    const path = `${sessionPath(id)}/realtime${this.presence ? "?presence=1" : ""}`;
    const { data } = isPlain ? { data: {} } : await api.getOnce(path);
    return transportsToTry(data, { ...this.#how, wantsPresence: () => this.presence });
  }
}

/**
 * The transports to try, best first; if there is none, only polling is left.
 *
 * @param {object} subscription the service's recommendation
 * @param {{id: string, api: import("./api.js").Api, clock: import("./clock.js").ServerClock,
 *   forced?: string, wantsPresence: () => boolean, options: object,
 *   local: import("./platform.js").Platform}} how
 * @returns {Promise<Candidate[]>}
 */
async function transportsToTry(subscription, how) {
  const { id, api, clock, forced, wantsPresence, options, local } = how;
  const isWebSocket = subscription.transport === "websocket";
  const token = (isWebSocket && subscription.token) || (await api.token());
  const asked = () => ({ sync: "1", differences: "1", ...(wantsPresence() && { presence: "1" }) });
  const factories = {
    supabase: (on) => new SupabaseTransport({ ...subscription, ...options, id, clock, local, on }),
    websocket: (on) => {
      const url = socketUrl(id, api.baseUrl, isWebSocket ? subscription.url : null);
      const { WebSocket } = options;
      return new WebSocketTransport({ url, query: asked(), token, clock, WebSocket, on });
    },
    sse: (on) => {
      const url = `${api.baseUrl}${sessionPath(id)}/stream`;
      const { fetch } = options;
      return new SseTransport({ url, query: asked(), token, clock, fetch, local, on });
    },
  };
  const hasSockets = !!(options.WebSocket ?? globalThis.WebSocket);
  const names = namesFor(forced, subscription.transport);
  return names
    .filter((name) => name !== "websocket" || hasSockets)
    .map((name) => ({
      name,
      subscription,
      make: factories[name],
    }));
}

function namesFor(forced, recommended) {
  if (forced === "supabase" && recommended !== "supabase") return [];
  const wanted = forced ?? recommended;
  if (wanted === "websocket") return forced ? ["websocket"] : ["websocket", "sse"];
  return ["supabase", "sse"].includes(wanted) ? [wanted] : [];
}

/** The URL of the service's WebSocket, which may be `recommended`. */
function socketUrl(id, baseUrl, recommended) {
  const base = new URL(baseUrl);
  const url = new URL(recommended ?? `${baseUrl}/ws?sessionId=${id}`);
  url.protocol = url.protocol.replace("http", "ws");
  // A service below a path doesn't know it, as the proxy before it removes it from requests.
  const prefix = base.pathname.replace(/\/+$/, "");
  const isBelow = url.pathname.startsWith(`${prefix}/`);
  if (url.host === base.host && !isBelow) url.pathname = prefix + url.pathname;
  return url.href;
}
