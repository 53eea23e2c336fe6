import type { Session } from "./synckairos.js";

/** `<synckairos-clock>`: the clocks of a session. Importing the module defines the element. */
export class SyncKairosClock extends HTMLElement {
  /** The session that is shown, to act on it; null without the attribute `session`. */
  readonly session: Session | null;
}

declare global {
  interface HTMLElementTagNameMap {
    "synckairos-clock": SyncKairosClock;
  }
}
