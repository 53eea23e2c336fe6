/** Events of one page. */
const PAGE = 100;
/** A page that is left open for days forgets what is older, unless somebody has asked for it. */
const MOST = 400;
const KEPT = 300;
/** A change is in the trail some 50 ms after its answer. */
const LAG_MS = 250;
const MINUTE_MS = 60_000;
const LEAST_GAP_MS = 1_000;
const BUSY_GAP_MS = 4_000;
const QUIET_REQUESTS = 6;
const RETRY_MS = 15_000;
const LONGEST_RETRY_MS = 120_000;

/**
 * The audit trail of a session: its newest events without a gap, and older ones on demand. It is
 * asked once for many changes: at most once a second and, where changes don't stop, every four, for
 * whoever plays must not run into the rate limit because of it.
 *
 * Fires `change` when `events`, `isComplete`, `status` or `reason` has changed.
 */
export class Trail extends EventTarget {
  /** Oldest first. */
  events = [];
  /** @type {"loading"|"ready"|"forbidden"|"away"} */
  status = "loading";
  /** What the service says when it is away. */
  reason = "";
  #most = MOST;
  #state = null;
  #asked = [];
  #failures = 0;
  #retryMs = 0;
  #timer = 0;
  #isAsking = false;
  #isOver = false;
  #onVisible = () => this.#schedule();

  /** @param {(after: number, limit: number) => Promise<{events: object[]}>} read */
  constructor(read) {
    super();
    this.read = read;
    document.addEventListener("visibilitychange", this.#onVisible);
  }

  /** Whether there is nothing older than the oldest event here. */
  get isComplete() {
    return this.events[0]?.version === 1;
  }

  get #newest() {
    return this.events.at(-1)?.version ?? 0;
  }

  /** Have all events up to a session's `state`, soon. */
  follow(state) {
    if (this.#state && this.#state.created_at !== state.created_at) this.events = [];
    this.#state = state;
    this.#schedule(LAG_MS);
  }

  /** The page before the oldest event here. */
  async earlier() {
    const [oldest] = this.events;
    if (this.isComplete || this.#isAsking || !oldest) return;
    const after = Math.max(0, oldest.version - 1 - PAGE);
    await this.#ask(after, oldest.version - 1 - after, (page) => {
      if (this.events[0] !== oldest) return;
      this.events = [...page, ...this.events];
      this.#most = this.events.length + MOST;
    });
  }

  stop() {
    this.#isOver = true;
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.#onVisible);
  }

  /** A hidden page needs no list. */
  #schedule(lag = 0) {
    const isBehind = this.#state && this.#newest < this.#state.version;
    const isSeen = !this.#isOver && !document.hidden;
    if (!isBehind || !isSeen || this.#isAsking || this.#timer) return;
    this.#timer = setTimeout(() => this.#catchUp(), Math.max(lag, this.#untilNext()));
  }

  #untilNext() {
    const now = performance.now();
    this.#asked = this.#asked.filter((at) => now - at < MINUTE_MS);
    if (!this.#asked.length) return 0;
    const gap = this.#asked.length < QUIET_REQUESTS ? LEAST_GAP_MS : BUSY_GAP_MS;
    const pause = this.#failures ? this.#retryMs : gap;
    return this.#asked.at(-1) + pause - now;
  }

  /** One who is more than a page behind begins anew: the events here have no gap. */
  #catchUp() {
    this.#timer = 0;
    const start = Math.max(0, this.#state.version - PAGE);
    const isFar = this.#newest < start;
    return this.#ask(isFar ? start : this.#newest, PAGE, (page) => {
      if (!page.length) return;
      const isNext = page[0].version === this.#newest + 1;
      this.events = isNext ? [...this.events, ...page] : page;
      if (this.events.length > this.#most) this.events = this.events.slice(MOST - KEPT);
    });
  }

  async #ask(after, limit, take) {
    const { created_at: life } = this.#state;
    this.#isAsking = true;
    this.#asked.push(performance.now());
    try {
      const { events } = await this.read(after, limit);
      if (this.#state.created_at === life) take(events);
      this.#failures = 0;
      this.#become("ready");
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isAsking = false;
      this.#schedule();
    }
  }

  #fail({ status, message, retryAfterMs = 0 }) {
    const backoff = Math.min(LONGEST_RETRY_MS, RETRY_MS * 2 ** this.#failures++);
    this.#retryMs = Math.max(backoff, retryAfterMs);
    this.#isOver ||= status === 403;
    if (status === 403) this.#become("forbidden");
    else if (status >= 500 || status === 0) this.#become("away", message);
  }

  #become(status, reason = "") {
    this.status = status;
    this.reason = reason;
    this.dispatchEvent(new Event("change"));
  }
}
