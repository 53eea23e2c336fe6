import { backoff, spread } from "./backoff.js";
import { Subscriber } from "./fallback.js";
import { Timers } from "./timers.js";
import {
  CONNECT_TIMEOUT_MS,
  MAX_FAILURES,
  MIN_RENEWAL_DELAY_MS,
  RENEW_AT,
  STABLE_AFTER_MS,
  SUPABASE_CONNECT_TIMEOUT_MS,
  UPGRADE_EVERY_MS,
} from "./timing.js";

/**
 * @typedef {object} Listeners callbacks of a transport
 * @property {() => void} live pushes arrive from now on
 * @property {(message: object) => void} message
 * @property {(how: {refused?: number, retryAfterMs?: number, isStale?: boolean}) => void} down the
 *   connection ended; `refused`: rejected with this HTTP status; `isStale`: a new subscription may
 *   be needed
 *
 * @typedef {object} Transport
 * @property {() => void} open
 * @property {() => void} close calls no listener afterwards
 * @property {() => void} ping asks for a `PONG`, if the transport can
 * @property {() => void} resync asks for a `STATE_SYNC`, if the transport can
 * @property {(subscription: object) => boolean} renew continues with a new token; false if it can't
 */

/**
 * Keeps one session connected by the best available transport: reconnects, falls back, upgrades
 * again, and renews tokens before they expire. Calls `on`:
 * - `live({name, canPing, bringsState})`, `message(message)`
 * - `left({isSettled})`: no pushes arrive; `isSettled`: no transport works, so poll
 * - `absent()`: the session doesn't exist
 * - `refused(error)`: the caller may not follow the session; the connector has stopped
 */
export class Connector {
  #subscriber;
  #timers;
  #candidates = null;
  #position = 0;
  #failures = 0;
  #shortLives = 0;
  #refusals = 0;
  #subscribeFailures = 0;
  #isOpen = false;
  /** The transport that is live, and the one that is being tried. */
  #current = null;
  #pending = null;

  /**
   * @param {{id: string, api: import("./api.js").Api, clock: import("./clock.js").ServerClock,
   *   local: import("./platform.js").Platform, transport?: string, options?: object,
   *   on: object}} parts
   */
  constructor({ id, api, clock, local, transport: forced, options = {}, on }) {
    Object.assign(this, { clock, local, on });
    this.#subscriber = new Subscriber({ id, api, clock, forced, options, local });
    this.#timers = new Timers(local);
  }

  /** The name of the live transport, or null. */
  get transport() {
    return this.#current?.name ?? null;
  }

  /** @param {{presence: boolean}} what `presence`: ask for the session's presence, too */
  open({ presence }) {
    this.#isOpen = true;
    this.#subscriber.presence = presence;
    this.#refusals = this.#shortLives = this.#subscribeFailures = 0;
    this.#start();
  }

  /** Ask for the session's presence from now on; a connection that is open is replaced. */
  watchPresence() {
    if (this.#subscriber.presence) return;
    this.#subscriber.presence = true;
    if (!this.#subscriber.isAsking) this.#start();
  }

  close() {
    this.#isOpen = false;
    this.#timers.clearAll();
    this.#dropPending();
    this.#dropCurrent();
  }

  ping() {
    this.#current?.transport.ping();
  }

  resync() {
    this.#current?.transport.resync();
  }

  /** Replace the connection, which no longer responds. */
  reconnect() {
    const dead = this.#current;
    if (dead) this.#handleDown(dead, {});
  }

  /** The network or the page is back: connect without further delay. */
  wake() {
    if (!this.#isOpen || this.#subscriber.isAsking) return;
    if (!this.#candidates) this.#start();
    else if (!this.#current || this.#position > 0) this.#connectBest();
  }

  /** Ask how to follow the session, then connect. */
  async #start() {
    this.#timers.clear("retry");
    if (await this.#subscribe()) this.#connectBest();
  }

  /** Ask how to follow the session. False if that failed; then a retry is scheduled. */
  async #subscribe(how) {
    try {
      this.#candidates = await this.#subscriber.ask(how);
      this.#subscribeFailures = 0;
    } catch (error) {
      if (this.#isOpen) this.#handleSubscribeError(error);
      return false;
    }
    return this.#isOpen;
  }

  #handleSubscribeError(error) {
    if (error.isRefusal) this.#refuse(error);
    else if (error.isAbsence) {
      this.on.absent();
      if (!this.#isOpen) return;
      // It ends early when a read finds the session.
      this.#timers.set("retry", spread(UPGRADE_EVERY_MS, this.local.random), () => this.#start());
    } else {
      const backoffMs = backoff(this.#subscribeFailures++, this.local);
      const delay = Math.max(error.retryAfterMs ?? 0, backoffMs);
      if (this.#current) this.#timers.set("renewal", delay, () => this.#renew());
      else this.#timers.set("retry", delay, () => this.#start());
    }
  }

  /** Try the best transport again, even while another one is live. */
  #connectBest() {
    this.#timers.clear("upgrade");
    this.#failures = 0;
    if (!this.#current) this.#position = 0;
    this.#connect(0);
  }

  #connect(position) {
    this.#timers.clear("retry");
    this.#dropPending();
    if (position >= this.#candidates.length) return this.#poll();
    const { name, subscription, make } = this.#candidates[position];
    const attempt = { name, position, subscription };
    attempt.transport = make({
      live: () => this.#goLive(attempt),
      message: (message) => attempt === this.#current && this.on.message(message),
      down: (how) => this.#handleDown(attempt, how),
    });
    this.#pending = attempt;
    const ms = name === "supabase" ? SUPABASE_CONNECT_TIMEOUT_MS : CONNECT_TIMEOUT_MS;
    this.#timers.set("timeout", ms, () => this.#handleDown(attempt, { isPermanent: true }));
    try {
      attempt.transport.open();
    } catch {
      this.#handleDown(attempt, { isPermanent: true }); // browsers throw for some URLs
    }
    return undefined;
  }

  #goLive(attempt) {
    if (attempt !== this.#pending) return;
    this.#timers.clear("timeout");
    this.#pending = null;
    this.#dropCurrent();
    this.#current = attempt;
    attempt.since = this.local.monotonic();
    this.#position = attempt.position;
    this.#failures = 0;
    this.#refusals = 0;
    if (attempt.position > 0) this.#upgradeLater();
    else this.#timers.clear("upgrade");
    this.#renewBefore(attempt.subscription.expires_at);
    const { canPing, bringsState } = attempt.transport.constructor;
    this.on.live({ name: attempt.name, canPing, bringsState });
  }

  #handleDown(attempt, how) {
    const wasLive = attempt === this.#current;
    if (!wasLive && attempt !== this.#pending) return;
    if (wasLive) this.#endConnection(attempt);
    else this.#dropPending();
    // Try once with a new token. A transport that rejects that too is skipped.
    if (how.refused && this.#refusals++ > 0) {
      how = { ...how, refused: undefined, isPermanent: true };
    }
    if (wasLive) {
      this.on.left({ isSettled: false });
      if (this.#isOpen && !this.#pending) this.#retry(how);
    } else if (this.#current) this.#upgradeLater();
    else this.#retry({ ...how, isFailure: true });
  }

  /** Count short-lived connections in a row: the delay before the next one grows with them. */
  #endConnection({ since }) {
    const isShort = this.local.monotonic() - since < STABLE_AFTER_MS;
    this.#shortLives = isShort ? this.#shortLives + 1 : 0;
    this.#dropCurrent();
  }

  #retry({ isFailure = false, isPermanent = false, isStale, refused, retryAfterMs = 0 }) {
    if (isFailure) this.#failures++;
    if (isPermanent || this.#failures >= MAX_FAILURES) {
      this.#failures = 0;
      this.#refusals = 0;
      this.#position++;
      if (this.#position >= this.#candidates.length) return this.#poll();
    }
    const attempt = Math.max(this.#failures, this.#shortLives - 1);
    const delay = Math.max(retryAfterMs, backoff(attempt, this.local));
    const isFresh = !isStale && !refused;
    const go = isFresh ? () => this.#connect(this.#position) : () => this.#resubscribe(refused);
    return this.#timers.set("retry", delay, go);
  }

  async #resubscribe(refused) {
    if (await this.#subscribe({ isRenewal: !!refused })) this.#connect(this.#position);
  }

  /** No transport works: poll, and retry the transports later. */
  #poll() {
    this.on.left({ isSettled: true });
    if (this.#isOpen && this.#candidates.length) this.#upgradeLater();
  }

  #upgradeLater() {
    this.#timers.set("upgrade", spread(UPGRADE_EVERY_MS, this.local.random), () => this.#upgrade());
  }

  async #upgrade() {
    if (await this.#subscribe()) this.#connectBest();
    else if (this.#isOpen && !this.#timers.has("retry")) this.#upgradeLater();
  }

  #renewBefore(expiresAt) {
    this.#timers.clear("renewal");
    if (!expiresAt) return;
    const left = Date.parse(expiresAt) - this.clock.now();
    const delay = Math.max(MIN_RENEWAL_DELAY_MS, left * RENEW_AT);
    this.#timers.set("renewal", delay, () => this.#renew());
  }

  async #renew() {
    if (!(await this.#subscribe({ isRenewal: true })) || !this.#current) return;
    const { transport, position } = this.#current;
    const fresh = this.#candidates[position]?.subscription;
    if (fresh && transport.renew(fresh)) this.#renewBefore(fresh.expires_at);
    else this.#connect(position);
  }

  #refuse(error) {
    this.close();
    this.on.refused(error);
  }

  #dropCurrent() {
    this.#timers.clear("renewal");
    this.#current?.transport.close();
    this.#current = null;
  }

  #dropPending() {
    this.#timers.clear("timeout");
    this.#pending?.transport.close();
    this.#pending = null;
  }
}
