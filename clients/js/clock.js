import { backoff } from "./backoff.js";
import { bestOf, sampleOf } from "./sample.js";

/**
 * @typedef {import("./sample.js").Sample} Sample
 * @typedef {import("./sample.js").Reading} Reading
 */

/** Two quartz clocks drift apart by some 50 ppm, so a measurement ages. */
const DRIFT = 50e-6;
const SLEEP_MS = 250;
/** A page that loads is busy, and its first round trips are long: try again when it is calm. */
const CALM_MS = 1500;

/**
 * The server's clock as this machine sees it: the local monotonic clock plus an offset that is
 * measured with several samples, and again when the page returns, after sleep, and periodically.
 * Fires `sync` when the estimate changes.
 */
export class ServerClock extends EventTarget {
  /** @type {?Sample} */
  #sample = null;
  /** @type {Sample[]} */
  #round = [];
  #running = null;
  #timer = 0;
  #failures = 0;
  #rounds = 0;
  #wallGap = wallGap();

  /** @param {{read: () => Promise<Reading>, samples?: number, everyMs?: number}} options */
  constructor({ read, samples = 8, everyMs = 30_000 }) {
    super();
    this.read = read;
    this.samples = samples;
    this.everyMs = everyMs;
  }

  /** Measure now and keep measuring. */
  start() {
    const resync = () => globalThis.document?.hidden || this.sync();
    globalThis.document?.addEventListener("visibilitychange", resync);
    globalThis.addEventListener?.("online", resync);
    return this.sync();
  }

  /** The server's time, ms since the epoch; the local wall clock until the first sample. */
  now() {
    const local = performance.now();
    if (Math.abs(Date.now() - local - this.#wallGap) > SLEEP_MS) this.#distrust();
    return local + (this.#sample?.offsetMs ?? this.#wallGap);
  }

  get isSynced() {
    return this.#sample !== null;
  }

  /** How far the server's clock is ahead of this machine's wall clock, ms. */
  get offsetMs() {
    return this.#sample ? this.#sample.offsetMs - this.#wallGap : 0;
  }

  get roundTripMs() {
    return this.#sample?.roundTripMs ?? Infinity;
  }

  /** The most that `now()` can be off, ms, with the drift since the measurement. */
  get errorMs() {
    if (!this.#sample) return Infinity;
    return this.#sample.errorMs + (performance.now() - this.#sample.takenAt) * DRIFT;
  }

  /** Take a round of samples; one round at a time, whoever asks. */
  sync() {
    this.#running ??= this.#takeRound().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #takeRound() {
    clearTimeout(this.#timer);
    this.#round = [];
    try {
      while (this.#round.length < this.samples) {
        const sample = await this.#measure();
        this.#round.push(sample);
        this.#consider(bestOf(this.#round));
      }
      this.#failures = 0;
      this.#rounds++;
    } catch {
      this.#failures++;
    }
    this.#timer = setTimeout(() => this.sync(), this.#untilNext());
  }

  #untilNext() {
    if (this.#failures) return backoff(this.#failures);
    return this.#rounds === 1 ? CALM_MS : this.everyMs;
  }

  async #measure() {
    const sent = performance.now();
    const { serverMs, receivedAt } = await this.read();
    return sampleOf(sent, receivedAt, serverMs);
  }

  #consider(sample) {
    if (sample.errorMs >= this.errorMs) return;
    this.#sample = sample;
    this.#wallGap = wallGap();
    this.dispatchEvent(new Event("sync"));
  }

  /** Wall and monotonic clock parted: the machine slept, or somebody set its clock. */
  #distrust() {
    this.#wallGap = wallGap();
    this.#round = [];
    if (this.#sample) this.#sample = { ...this.#sample, errorMs: Infinity };
    this.sync();
  }
}

function wallGap() {
  return Date.now() - performance.now();
}
