import { Pace } from "./pace.js";

/** Events per request. */
const PAGE = 100;
/** Above `MOST` events, the oldest are dropped, unless the user has loaded them on demand. */
const MOST = 400;
const KEPT = 300;
/** Delay before a request: a change appears in the trail some 50 ms after its answer. */
const LAG_MS = 250;

/**
 * The audit trail of a session: its newest events without a gap, and older ones on demand. One
 * request covers many changes.
 *
 * Fires `change` when `events`, `isComplete`, `status` or `reason` has changed.
 */
export class Trail extends EventTarget {
  /** Oldest first. */
  events = [];
  /** @type {"loading"|"ready"|"forbidden"|"away"} */
  status = "loading";
  /** The service's message while `status` is "away". */
  reason = "";
  #most = MOST;
  #state = null;
  #pace = new Pace();
  #timer = 0;
  #isLoading = false;
  #isOver = false;
  #onVisible = () => this.#schedule();

  /** @param {(after: number, limit: number) => Promise<{events: object[]}>} read */
  constructor(read) {
    super();
    this.read = read;
    document.addEventListener("visibilitychange", this.#onVisible);
  }

  /** Whether the session's first event is loaded. */
  get isComplete() {
    return this.events[0]?.version === 1;
  }

  get #newest() {
    return this.events.at(-1)?.version ?? 0;
  }

  /** Load all events up to a session's `state`. */
  loadUpTo(state) {
    if (this.#state && this.#state.created_at !== state.created_at) this.events = [];
    this.#state = state;
    this.#schedule(LAG_MS);
  }

  /** Load the page before the oldest event. */
  async loadEarlier() {
    const [oldest] = this.events;
    if (this.isComplete || this.#isLoading || !oldest) return;
    const after = Math.max(0, oldest.version - 1 - PAGE);
    await this.#load(after, oldest.version - 1 - after, (page) => {
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

  /** Schedule a request if events are missing and the page is visible. */
  #schedule(lag = 0) {
    const isBehind = this.#state && this.#newest < this.#state.version;
    const isSeen = !this.#isOver && !document.hidden;
    if (!isBehind || !isSeen || this.#isLoading || this.#timer) return;
    this.#timer = setTimeout(() => this.#catchUp(), Math.max(lag, this.#pace.untilNext));
  }

  /** Load the missing events; if more than a page is missing, replace all, to leave no gap. */
  #catchUp() {
    this.#timer = 0;
    const start = Math.max(0, this.#state.version - PAGE);
    const isFar = this.#newest < start;
    return this.#load(isFar ? start : this.#newest, PAGE, (page) => {
      if (!page.length) return;
      const isNext = page[0].version === this.#newest + 1;
      this.events = isNext ? [...this.events, ...page] : page;
      if (this.events.length > this.#most) this.events = this.events.slice(MOST - KEPT);
    });
  }

  async #load(after, limit, take) {
    const { created_at: createdAt } = this.#state;
    this.#isLoading = true;
    this.#pace.began();
    try {
      const { events } = await this.read(after, limit);
      if (this.#state.created_at === createdAt) take(events);
      this.#pace.succeeded();
      this.#setStatus("ready");
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isLoading = false;
      this.#schedule();
    }
  }

  #fail(error) {
    const { status, message } = error;
    this.#pace.failed(error);
    this.#isOver ||= status === 403;
    if (status === 403) this.#setStatus("forbidden");
    else if (status >= 500 || status === 0) this.#setStatus("away", message);
  }

  #setStatus(status, reason = "") {
    this.status = status;
    this.reason = reason;
    this.dispatchEvent(new Event("change"));
  }
}
