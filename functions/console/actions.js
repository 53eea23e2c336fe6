import { inWords } from "./wording.js";

/**
 * What the buttons and keys do. Of each kind of action one is made on a state, for a double tap must
 * not act twice; a pause is never held back by a switch that is still on its way.
 */

const LEAST_MS = 1_000;
const MOST_MS = 86_400_000;

export function actionsOf(session, notify) {
  const actedOn = new Map(); // the state that an action of each kind was last made on

  /**
   * Run one call of a kind. A switch answers no whole state, which pushes bring at once and polling
   * later: until it is there, nothing more of that kind is done to the old one.
   */
  async function run(call, kind = "change") {
    const { state } = session;
    if (!state || state === actedOn.get(kind)) return;
    actedOn.set(kind, state);
    try {
      await call(state);
      if (session.state === state && session.connection.status === "polling") await look();
    } catch (error) {
      if (actedOn.get(kind) === state) actedOn.delete(kind);
      notify(inWords(error));
      if (error.status !== 400) look();
    }
  }

  /** What can't be read now comes later, and the page says how it is connected. */
  const look = () => session.refresh().catch(() => {});

  const act = {
    start: () => run(() => session.start()),
    pauseOrResume() {
      const { status } = session.state ?? {};
      if (status === "running") return run(() => session.pause(), "pause");
      return status === "paused" ? run(() => session.resume(), "resume") : undefined;
    },
    /** The one whose turn it is goes along: if somebody was faster, nothing happens. */
    switchTo(participantId) {
      if (session.state?.status !== "running") return undefined;
      return run(({ active_participant_id: current }) =>
        session.switch({ next: participantId, current }),
      );
    },
    adjust: (participantId, step) =>
      run(() => {
        const left = session.remaining(participantId) ?? 0;
        const value = Math.round(Math.min(MOST_MS, Math.max(LEAST_MS, left + step)));
        return session.adjust(participantId, value);
      }),
    add: (participant) => run(() => session.addParticipant(participant)),
    complete: () => run(() => session.complete()),
    cancel: () => run(() => session.cancel()),
    remove: () => run(() => session.delete()),
    /** What Space does: whatever comes next. */
    primary() {
      switch (session.state?.status) {
        case "pending":
          return act.start();
        case "running":
          return act.switchTo();
        case "paused":
          return act.pauseOrResume();
        default:
          return undefined;
      }
    },
  };
  return act;
}
