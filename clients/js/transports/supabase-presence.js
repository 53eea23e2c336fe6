import { measurementOf } from "../measurement.js";
import { errorClass, presenceOf } from "../presence-list.js";
import { Timers } from "../timers.js";
import {
  PRESENCE_AGAIN_MS,
  PRESENCE_EVERY_MS,
  PRESENCE_GATHER_MS,
  PRESENCE_RETRY_MS,
  PRESENCE_SECOND_MS,
} from "../timing.js";
import { spread } from "../backoff.js";

const JOINED = "SUBSCRIBED";
const CONFIG = { private: true, presence: { key: "", enabled: true } };

/**
 * Shows a client of Supabase Realtime in the session's presence, and reads that if the subscription
 * allows it (docs/presence.md). It uses channels of its own: Supabase may end one of them because
 * of its limits for presence, and the pushes go on.
 */
export class SupabasePresence {
  #channels = new Map();
  #timers;
  #reportedAt = -Infinity;

  /**
   * @param {{client: *, id: string, presence: {topic: string, participant_id?: string,
   *   topics?: Record<string, string>}, clock: import("../clock.js").ServerClock,
   *   local: import("../platform.js").Platform, report: (message: object) => void}} parts `client`:
   *   Supabase's; `presence`: of the service's answer; `report`: is called with each `PRESENCE`
   */
  constructor(parts) {
    Object.assign(this, parts);
    this.#timers = new Timers(parts.local);
    this.since = new Date(parts.clock.now()).toISOString();
  }

  open() {
    const { topic, topics = {} } = this.presence;
    for (const each of new Set([topic, ...Object.values(topics)])) this.#join(each);
  }

  close() {
    this.#timers.clearAll();
    const channels = [...this.#channels.values()];
    this.#channels.clear();
    for (const channel of channels) channel.teardown();
  }

  #join(topic) {
    const channel = this.client.channel(topic, { config: { ...CONFIG } });
    this.#channels.set(topic, channel);
    const isCurrent = () => this.#channels.get(topic) === channel;
    if (this.presence.topics) {
      channel.on("presence", { event: "sync" }, () => isCurrent() && this.#reportSoon());
    }
    channel.subscribe((status) => {
      if (!isCurrent()) return;
      if (status !== JOINED) this.#retry(topic, channel);
      else if (topic === this.presence.topic) this.#show(channel);
    });
  }

  /** Leave a channel that failed, and join it again later. */
  #retry(topic, channel) {
    this.#channels.delete(topic);
    if (topic === this.presence.topic) this.#timers.clear("show");
    Promise.resolve(this.client.removeChannel(channel)).catch(() => {});
    if (this.presence.topics) this.#reportSoon();
    const delay = spread(PRESENCE_RETRY_MS, this.local.random);
    this.#timers.set(`join ${topic}`, delay, () => this.#join(topic));
  }

  /**
   * Say how exact the clock is, unless its class is still `said`, the one that was said last. Check
   * that again after `delay` ms.
   */
  #show(channel, said, delay = PRESENCE_SECOND_MS) {
    const measured = measurementOf(this.clock);
    const exactness = errorClass(measured.error_ms);
    if (exactness !== said) this.#say(channel, measured);
    this.#timers.set("show", delay, () => this.#show(channel, exactness, PRESENCE_AGAIN_MS));
  }

  #say(channel, measured) {
    const { participant_id: participant } = this.presence;
    Promise.resolve(
      channel.track({
        ...(participant && { participant_id: participant }),
        connected_at: this.since,
        ...measured,
      }),
    ).catch(() => {}); // a channel that fails says so by its status
  }

  /** Report once for all changes within a second. */
  #reportSoon() {
    if (this.#timers.has("report")) return;
    const due = this.#reportedAt + PRESENCE_EVERY_MS - this.local.monotonic();
    this.#timers.set("report", Math.max(PRESENCE_GATHER_MS, due), () => this.#report());
  }

  #report() {
    this.#reportedAt = this.local.monotonic();
    const shown = Object.entries(this.presence.topics).flatMap(([role, topic]) =>
      Object.entries(this.#channels.get(topic)?.presenceState() ?? {}).flatMap(([key, entries]) =>
        entries.map((said) => ({ role, key, said })),
      ),
    );
    const [id, now] = [this.id, Math.round(this.clock.now())];
    const presence = presenceOf({ id, shown, now });
    this.report({ type: "PRESENCE", sessionId: id, timestamp: now, presence });
  }
}
