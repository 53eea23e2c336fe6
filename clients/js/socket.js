import { backoff, spread } from "./backoff.js";

const SESSION_REFUSED = 1008;
/** With the status added that HTTP would answer. */
const REFUSED = 4000;
const FOR_GOOD = [401, 403, 404];
/** So many failures in a row may be bad luck; after them there may be no sockets here at all. */
const TRIES = 2;

/**
 * Where to follow a session.
 *
 * @param {string} sessionId
 * @param {{base?: string, token?: string}} [options]
 * @returns {string}
 */
export function socketUrl(sessionId, { base = location.origin, token } = {}) {
  const url = new URL("/ws", base);
  url.protocol = url.protocol.replace("http", "ws");
  url.search = new URLSearchParams({ sessionId, sync: "1", ...(token && { token }) });
  return url.href;
}

/**
 * A WebSocket that comes back by itself. Fires `message` (detail: the parsed message) and
 * `status` when `status` changes:
 * - `connecting`
 * - `live`: the server greeted
 * - `unavailable`: it didn't, in time or time and again; it is still tried, but rarely
 * - `closed`: for good
 *
 * Fires `refused` (detail: the HTTP status) before it closes because the token isn't good for this.
 */
export class LiveSocket extends EventTarget {
  status = "connecting";
  #socket = null;
  #failures = 0;
  #timer = 0;
  #patience = 0;
  #heartbeat = 0;
  #isAnswered = true;

  /**
   * @param {{url: string, heartbeatMs?: number, patienceMs?: number, rarelyMs?: number}} options
   *   `patienceMs` is how long the greeting may take
   */
  constructor({ url, heartbeatMs = 10_000, patienceMs = 3000, rarelyMs = 40_000 }) {
    super();
    this.url = url;
    this.heartbeatMs = heartbeatMs;
    this.patienceMs = patienceMs;
    this.rarelyMs = rarelyMs;
    this.wake = () => globalThis.document?.hidden || this.#wake();
  }

  /** Connect, and stay connected until `close()`. */
  open() {
    globalThis.addEventListener?.("online", this.wake);
    globalThis.document?.addEventListener("visibilitychange", this.wake);
    this.#await();
    this.#connect();
  }

  /** Try now what was to be tried later. */
  retry() {
    if (this.status === "unavailable") this.#connect();
  }

  /** Leave for good. */
  close() {
    clearTimeout(this.#patience);
    globalThis.removeEventListener?.("online", this.wake);
    globalThis.document?.removeEventListener("visibilitychange", this.wake);
    this.#drop();
    this.#become("closed");
  }

  /** Send if there is somebody to hear it; what is lost is asked for again on reconnecting. */
  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #connect() {
    this.#drop();
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code }) => this.#lose(code);
    this.#isAnswered = true;
    this.#heartbeat = setInterval(() => this.#beat(), this.heartbeatMs);
  }

  #lose(code) {
    const status = code - REFUSED;
    if (FOR_GOOD.includes(status)) {
      this.dispatchEvent(new CustomEvent("refused", { detail: status }));
      this.close();
    } else if (code === SESSION_REFUSED) this.close();
    else this.#retry();
  }

  #receive(message) {
    this.#isAnswered = true;
    if (message.type === "CONNECTED") {
      this.#failures = 0;
      clearTimeout(this.#patience);
      this.#become("live");
    }
    this.dispatchEvent(new CustomEvent("message", { detail: message }));
  }

  /** A connection that stays silent for a whole beat is dead, whatever TCP believes. */
  #beat() {
    if (!this.#isAnswered || this.#socket?.readyState !== WebSocket.OPEN) {
      this.#retry();
      return;
    }
    this.#isAnswered = false;
    this.send({ type: "PING", clientTimestamp: Date.now() });
  }

  #retry() {
    this.#drop();
    if (this.status === "live") this.#await();
    else if (++this.#failures >= TRIES) this.#become("unavailable");
    const isRare = this.status === "unavailable";
    const delay = isRare ? spread(this.rarelyMs) : backoff(this.#failures);
    this.#timer = setTimeout(() => this.#connect(), delay);
  }

  /** Be `connecting`, but not for longer than there is patience. */
  #await() {
    this.#become("connecting");
    this.#patience = setTimeout(() => this.#become("unavailable"), this.patienceMs);
  }

  /** The page or the network is back: don't sit out the delay, don't trust an old connection. */
  #wake() {
    if (this.status === "live") this.#beat();
    else if (this.status === "connecting") this.#connect();
  }

  #drop() {
    clearTimeout(this.#timer);
    clearInterval(this.#heartbeat);
    if (this.#socket) leave(this.#socket);
    this.#socket = null;
  }

  #become(status) {
    if (status === this.status) return;
    this.status = status;
    this.dispatchEvent(new Event("status"));
  }
}

/** Browsers warn of a socket that is closed before it is open, so that one is closed after. */
function leave(socket) {
  socket.onmessage = socket.onclose = null;
  if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close();
  else socket.close();
}
