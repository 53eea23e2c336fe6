/** A session's logic in virtual time that records its events and requests. */

import { SessionLogic } from "../session-logic.js";
import { T0, chess } from "./states.mjs";

/** The sample session at version `number`. */
export function version(number, more = {}) {
  return chess({ version: number, ...more });
}

export class LogicHarness {
  /** Emitted events, in order. */
  emitted = [];
  /** Requests that haven't been answered yet. */
  asked = [];
  now = 0;

  constructor({ random = () => 0.5 } = {}) {
    this.logic = new SessionLogic({ random });
  }

  get state() {
    return this.logic.state;
  }

  get existence() {
    return this.logic.existence;
  }

  /** The versions of the emitted updates. */
  get versions() {
    return this.named("update").map(({ state }) => state.version);
  }

  named(name) {
    return this.emitted.filter(({ emit }) => emit === name).map(({ detail }) => detail);
  }

  /** Report a live transport. */
  join({ canPing = false, bringsState = true } = {}) {
    this.logic.joined(this.#instant(), { canPing, bringsState });
    return this;
  }

  leave({ soon = false } = {}) {
    this.logic.left(this.#instant(), { soon });
    return this;
  }

  receive(type, fields = {}) {
    return this.#note(this.logic.receive({ type, ...fields }, this.#instant()));
  }

  push(state, cause = "cycle_switched") {
    return this.receive("STATE_UPDATE", { state, cause });
  }

  sync(state) {
    return this.receive("STATE_SYNC", { state });
  }

  act(state) {
    return this.#note(this.logic.actionAnswered(state, this.#instant()));
  }

  ownVersionNoted(number) {
    return this.#note(this.logic.ownVersionNoted(number, this.#instant()));
  }

  /** Answer the pending read. */
  answer(answer) {
    this.asked = this.asked.filter(({ what }) => what !== "read");
    return this.#note(this.logic.readEnded(answer, this.#instant()));
  }

  found(state, more = {}) {
    return this.answer({ status: 200, state, ...more });
  }

  unchanged(more = {}) {
    return this.answer({ status: 304, state: null, ...more });
  }

  show(isShown) {
    this.logic.visibilityChanged(this.#instant(), !isShown);
    return this;
  }

  /** Let `ms` pass and call `tick` whenever it is due. */
  pass(ms) {
    const end = this.now + ms;
    for (let steps = 0; ; steps++) {
      if (steps > 10_000) throw new Error("It never comes to rest");
      const next = this.logic.due(this.#instant());
      if (next > end) break;
      this.now = Math.max(this.now, next);
      this.#note(this.logic.tick(this.#instant()));
    }
    this.now = end;
    return this;
  }

  /** The requests since the last call, as `[what, when]`. */
  taken() {
    return this.asked.splice(0).map(({ what, when }) => [what, Math.round(when)]);
  }

  #instant() {
    return { local: this.now, server: T0 + this.now };
  }

  #note(effects) {
    for (const effect of effects) {
      if (effect.do) this.asked.push({ what: effect.do, when: this.now, known: effect.known });
      else this.emitted.push(effect);
    }
    return this;
  }
}
