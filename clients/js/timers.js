/** Named timers: setting a name again replaces its timer. */
export class Timers {
  #local;
  #set = new Map();

  /** @param {import("./platform.js").Platform} local */
  constructor(local) {
    this.#local = local;
  }

  has(name) {
    return this.#set.has(name);
  }

  /** Call `callback` in `ms`. */
  set(name, ms, callback) {
    this.clear(name);
    const timer = this.#local.setTimer(() => {
      this.#set.delete(name);
      callback();
    }, ms);
    this.#set.set(name, timer);
  }

  clear(name) {
    this.#local.clearTimer(this.#set.get(name));
    this.#set.delete(name);
  }

  clearAll() {
    for (const name of [...this.#set.keys()]) this.clear(name);
  }
}
