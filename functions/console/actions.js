import { inWords } from "./wording.js";

/** What the buttons and keys do; once per state, for a double tap must not act twice. */

const LEAST_MS = 1_000;
const MOST_MS = 86_400_000;

export function actionsOf({ session, api, clock, notify }) {
  let actedOn = null;

  /** Run one call; its answer, when it is a session, is news at once. */
  async function run(call) {
    const { state } = session;
    if (!state || state === actedOn) return;
    actedOn = state;
    try {
      const answer = await call(state);
      if (answer?.created_at) session.accept(answer);
      else if (session.status !== "live") await session.refresh();
    } catch (error) {
      notify(inWords(error));
      if (error.status !== 400) session.refresh();
    } finally {
      if (actedOn === state) actedOn = null;
    }
  }

  const id = session.id;
  const act = {
    start: () => run(() => api.start(id)),
    pauseOrResume() {
      const { status } = session.state ?? {};
      if (status === "running") return run(() => api.pause(id));
      return status === "paused" ? run(() => api.resume(id)) : undefined;
    },
    /** The one whose turn it is goes along: if somebody was faster, nothing happens. */
    switchTo(participantId) {
      if (session.state?.status !== "running") return undefined;
      return run((state) =>
        api.switch(id, {
          next_participant_id: participantId,
          current_participant_id: state.active_participant_id ?? undefined,
        }),
      );
    },
    adjust: (participantId, step) =>
      run(() => {
        const left = session.remaining(participantId, clock.now()) ?? 0;
        const value = Math.round(Math.min(MOST_MS, Math.max(LEAST_MS, left + step)));
        return api.adjust(id, participantId, { total_time_ms: value });
      }),
    add: (participant) => run(() => api.addParticipant(id, participant)),
    complete: () => run(() => api.complete(id)),
    cancel: () => run(() => api.cancel(id)),
    remove: () => run(() => api.remove(id)),
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
