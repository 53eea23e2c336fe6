import { measurementOf } from "../measurement.js";
import { TOO_MANY_DELAY_MS } from "../timing.js";

/** Close codes of a rejection are this plus the HTTP status. */
const REJECTION_BASE = 4000;
const REJECTIONS = [401, 403, 404];
const TOO_MANY = 429;

/**
 * Pushes over the service's WebSocket.
 *
 * @implements {import("../connector.js").Transport}
 */
export class WebSocketTransport {
  static canPing = true;
  static bringsState = true;
  #socket = null;

  /**
   * @param {{url: string, query: Object<string, string>, token?: string,
   *   clock: import("../clock.js").ServerClock, WebSocket?: typeof WebSocket,
   *   on: import("../connector.js").Listeners}} options
   */
  constructor({ url, query, token, clock, WebSocket = globalThis.WebSocket, on }) {
    this.url = withQuery(url, { ...query, ...(token && { token }) });
    this.clock = clock;
    this.WebSocket = WebSocket;
    this.on = on;
  }

  open() {
    const socket = new this.WebSocket(this.url);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receiveText(data);
    socket.onclose = ({ code }) => this.#handleClose(code - REJECTION_BASE);
    socket.onerror = () => {}; // a close follows
  }

  close() {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    // Browsers log a warning if a socket is closed before it is open, so close it afterwards.
    if (socket.readyState === 0) socket.onopen = () => socket.close();
    else socket.close();
  }

  /**
   * Ask for the newest version; the answer also shows that the connection is alive. The service
   * shows the measurement in the session's presence.
   */
  ping() {
    this.#send({ type: "PING", ...measurementOf(this.clock) });
  }

  /** Ask for the whole state. */
  resync() {
    this.#send({ type: "RECONNECT" });
  }

  /** Continue with a new token. */
  renew({ token }) {
    if (token) this.#send({ type: "AUTHENTICATE", token });
    return true;
  }

  /** An invalid message ends the connection, so that a new one brings the state. */
  #receiveText(data) {
    try {
      this.#receive(JSON.parse(data));
    } catch {
      if (!this.#socket) return;
      this.close();
      this.#handleClose();
    }
  }

  #receive(message) {
    if (message.type === "CONNECTED") this.on.live();
    else this.on.message(message);
  }

  #handleClose(status) {
    this.#socket = null;
    this.on.down({
      refused: REJECTIONS.includes(status) ? status : undefined,
      retryAfterMs: status === TOO_MANY ? TOO_MANY_DELAY_MS : 0,
    });
  }

  #send(message) {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(message));
  }
}

function withQuery(url, query) {
  const whole = new URL(url);
  for (const [name, value] of Object.entries(query)) whole.searchParams.set(name, value);
  return whole.href;
}
