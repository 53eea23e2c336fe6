/** With the status added that HTTP would answer. */
const REFUSED = 4000;
const FOR_GOOD = [401, 403, 404];
const TOO_MANY = 429;
/** A close can't carry a `Retry-After`. */
const TOO_MANY_MS = 5000;

/**
 * Pushes over a WebSocket of the service.
 *
 * @implements {import("../link.js").Transport}
 */
export class WebSocketTransport {
  static canPing = true;
  static bringsState = true;
  #socket = null;

  /**
   * @param {{url: string, token?: string, WebSocket?: typeof WebSocket,
   *   on: import("../link.js").Listeners}} options
   */
  constructor({ url, token, WebSocket = globalThis.WebSocket, on }) {
    this.url = withQuery(url, { sync: "1", ...(token && { token }) });
    this.WebSocket = WebSocket;
    this.on = on;
  }

  open() {
    const socket = new this.WebSocket(this.url);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#hear(data);
    socket.onclose = ({ code }) => this.#lose(code - REFUSED);
    socket.onerror = () => {}; // a close follows
  }

  close() {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    // Browsers warn of a socket that is closed before it is open, so that one is closed after.
    if (socket.readyState === 0) socket.onopen = () => socket.close();
    else socket.close();
  }

  /** Ask which version is the newest, and whether anybody is there. */
  ping() {
    this.#send({ type: "PING" });
  }

  /** Ask for the state. */
  sync() {
    this.#send({ type: "RECONNECT" });
  }

  /** Go on with a fresh token. */
  renew({ token }) {
    if (token) this.#send({ type: "AUTHENTICATE", token });
    return true;
  }

  /** What can't be understood ends it, so that a new one brings the state. */
  #hear(data) {
    try {
      this.#receive(JSON.parse(data));
    } catch {
      if (!this.#socket) return;
      this.close();
      this.#lose();
    }
  }

  #receive(message) {
    if (message.type === "CONNECTED") this.on.live();
    else this.on.message(message);
  }

  #lose(status) {
    this.#socket = null;
    this.on.down({
      refused: FOR_GOOD.includes(status) ? status : undefined,
      retryAfterMs: status === TOO_MANY ? TOO_MANY_MS : 0,
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
