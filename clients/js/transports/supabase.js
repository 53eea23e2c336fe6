import { SupabasePresence } from "./supabase-presence.js";

/**
 * Pushes through Supabase Realtime, by Supabase's client. Each session has its own client, because
 * a token is for one session.
 *
 * @implements {import("../connector.js").Transport}
 */
export class SupabaseTransport {
  static canPing = false;
  static bringsState = false;
  #client = null;
  #channel = null;
  #presence = null;

  /**
   * @param {{url: string, key: string, topic: string, token: string, presence?: object, id: string,
   *   clock: import("../clock.js").ServerClock, local: import("../platform.js").Platform,
   *   realtime?: () => Promise<{RealtimeClient: *}>, WebSocket?: typeof WebSocket,
   *   on: import("../connector.js").Listeners}} options
   */
  constructor({ url, key, topic, token, presence, id, clock, local, realtime, WebSocket, on }) {
    this.url = `${url.replace(/^http/, "ws").replace(/\/+$/, "")}/realtime/v1`;
    this.key = key;
    this.topic = topic;
    this.token = token;
    this.presence = presence && { presence, id, clock, local };
    this.load = realtime ?? loadRealtime;
    this.transport = WebSocket && { transport: WebSocket };
    this.on = on;
    this.isOpen = false;
  }

  open() {
    this.isOpen = true;
    this.#join().catch((error) => this.#handleEnd({ error }));
  }

  close() {
    this.isOpen = false;
    const [client, channel, presence] = [this.#client, this.#channel, this.#presence];
    this.#client = this.#channel = this.#presence = null;
    presence?.close();
    channel?.teardown();
    client?.disconnect();
  }

  ping() {}

  resync() {}

  /** Continue with a new token, if it is for the same topic. */
  renew({ url, topic, token }) {
    if (topic !== this.topic || !url || !token) return false;
    this.#client?.setAuth(token).catch((error) => this.#handleEnd({ error }));
    return true;
  }

  async #join() {
    const { RealtimeClient } = await this.load();
    if (!this.isOpen) return;
    const client = new RealtimeClient(this.url, {
      params: { apikey: this.key },
      ...this.transport,
    });
    this.#client = client;
    await client.setAuth(this.token);
    if (this.#client !== client) return;
    const channel = client.channel(this.topic, { config: { private: true } });
    this.#channel = channel;
    channel.on("broadcast", { event: "*" }, ({ payload }) => {
      if (this.#client === client) this.#receive(payload);
    });
    channel.subscribe((status, error) => {
      if (this.#client !== client) return;
      if (status === "SUBSCRIBED") this.#goLive(client);
      else this.#handleEnd({ error });
    });
  }

  #goLive(client) {
    this.on.live();
    if (!this.presence || this.#presence || this.#client !== client) return;
    const report = (message) => this.#receive(message);
    this.#presence = new SupabasePresence({ ...this.presence, client, report });
    this.#presence.open();
  }

  /** An invalid message ends the connection, so that a new one brings the state. */
  #receive(payload) {
    try {
      this.on.message(payload);
    } catch (error) {
      this.#handleEnd({ error });
    }
  }

  /** End the connection: Supabase's client would reconnect with the old token. */
  #handleEnd({ error }) {
    if (!this.isOpen) return;
    this.close();
    this.on.down({ isStale: true, error });
  }
}

/** Load Supabase's client. In a `try`, bundlers accept that an optional package isn't installed. */
async function loadRealtime() {
  try {
    return await import("@supabase/realtime-js");
  } catch (error) {
    const hint = "install @supabase/realtime-js, or give the client `realtime`";
    throw new Error(`Pushes through Supabase Realtime need its client: ${hint}`, { cause: error });
  }
}
