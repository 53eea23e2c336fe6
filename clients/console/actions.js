import { newId } from "/clients/js/synckairos.js";
import { allowedIn } from "./allowed.js";
import {
  adjustErrorText,
  errorText,
  removalErrorText,
  ruleErrorText,
  undoErrorText,
} from "./error-texts.js";
import { mainAction } from "./main-action.js";
import { rematchOf } from "./rematch.js";
import { keepSeats } from "./seats.js";

/**
 * The actions of buttons and keys; a key for what the user may not do now does nothing. Each state
 * allows one action of each kind, so that a double tap acts once. Pausing is a separate kind: a
 * pending switch doesn't delay it.
 */

const MIN_MS = 1_000;
const MAX_MS = 86_400_000;

/**
 * @param {(body: object) => Promise<void>} create creates another session and opens it
 * @param {(name: string) => void} ask opens a dialog of `dialogs.js`
 */
export function actionsOf(session, notify, create, ask) {
  const actedOn = new Map(); // kind of action -> the state that it was last run on

  /**
   * Run a call unless one of its kind was already run on the present state. The answer to a switch
   * isn't a whole state; the new state arrives by a push, or by a read while polling.
   */
  async function run(call, kind = "change") {
    const { state } = session;
    if (!state || state === actedOn.get(kind)) return;
    actedOn.set(kind, state);
    try {
      await call(state);
      if (session.state === state && session.connection.status === "polling") await refresh();
    } catch (error) {
      if (actedOn.get(kind) === state) actedOn.delete(kind);
      notify(errorText(error));
      if (error.status !== 400) refresh();
    }
  }

  /** Make a call of a dialog: resolves with true, or with the words of its error. */
  async function attempt(call, textOf = errorText) {
    const { state } = session;
    try {
      await call();
      if (session.state === state && session.connection.status === "polling") await refresh();
      return true;
    } catch (error) {
      refresh();
      return textOf(error);
    }
  }

  /** Ignores failures: the client reads again later, and the page shows the connection's state. */
  const refresh = () => session.refresh().catch(() => {});

  const allowed = () => (session.state ? allowedIn(session.state) : {});

  const act = {
    start: () => allowed().start && run(() => session.start()),
    pauseOrResume() {
      const { pause, resume } = allowed();
      if (pause) run(() => session.pause(), "pause");
      if (resume) run(() => session.resume(), "resume");
    },
    /** Sends the active participant along; the service refuses if another switch came first. */
    switchTo(participantId) {
      const may = allowed();
      if (!may.switch || (participantId && !may.switchTo(participantId))) return;
      run(({ active_participant_id: current }) => session.switch({ next: participantId, current }));
    },
    /** Begins an item of a programme. */
    go: (itemId) => allowed().go && run(() => session.go(itemId)),
    /** Changes a clock from `left` by `step`; a clock above the usual maximum isn't lowered to it. */
    adjust: (participantId, left, step) =>
      run(() => {
        const most = Math.max(MAX_MS, left);
        const value = Math.round(Math.min(most, Math.max(MIN_MS, left + step)));
        return session.adjust(participantId, value);
      }),
    /** Adds time (ms) to another participant's clock, as participants may. */
    give: (participantId, ms) =>
      run(() => session.adjustClocks({ addMs: ms, to: { participants: [participantId] } })),
    add: (participant) => run(() => session.addParticipant(participant)),
    /** Undo the last switch: see `attempt`. */
    undo: (mode, details) =>
      attempt(
        () => session.undo(mode, details),
        (error) => undoErrorText(error, mode),
      ),
    /** Change several clocks: see `attempt`. */
    adjustClocks: (change) => attempt(() => session.adjustClocks(change), adjustErrorText),
    /** Rename a participant: see `attempt`. */
    rename: (participantId, name) =>
      attempt(() => session.updateParticipant(participantId, { name }), ruleErrorText),
    /** Choose who takes the first turn: see `attempt`. */
    chooseStarter: (participantId) =>
      attempt(() => session.update({ active_participant_id: participantId }), ruleErrorText),
    /** Take a participant out of the rotation, or let it return: see `attempt`. */
    retire: (participantId, isRetired) =>
      attempt(
        () => session.updateParticipant(participantId, { is_retired: isRetired }),
        ruleErrorText,
      ),
    /** Remove a participant: see `attempt`. */
    removePerson: (participantId) =>
      attempt(() => session.removeParticipant(participantId), removalErrorText),
    /** Let a participant's flag fall: see `attempt`. */
    forfeit: (participantId, reason) =>
      attempt(() => session.forfeit(participantId, reason), ruleErrorText),
    /** Let participants begin at one instant. */
    begin: (ids) => run(() => session.begin(ids), `begin ${ids}`),
    finish: (id) => run(() => session.finish(id), `finish ${id}`),
    reopen: (id) => run(() => session.reopen(id), `reopen ${id}`),
    pausePerson: (id) => run(() => session.pauseParticipant(id), `pause ${id}`),
    resumePerson: (id) => run(() => session.resumeParticipant(id), `resume ${id}`),
    giveUp: (id) => run(() => session.forfeit(id), `close ${id}`),
    /** Several calls of a dialog in turn: see `attempt`. */
    attempt: (calls) => attempt(() => calls(session), ruleErrorText),
    /** Begins the next question of a quiz for all participants who may begin. */
    nextQuestion: (question) =>
      run(({ metadata }) => session.begin(null, { metadata: { ...metadata, question } })),
    /** Complete the session, with the result of the game if there is one: see `attempt`. */
    complete: (result) =>
      attempt(
        () => session.complete(result ? { metadata: { ...session.state.metadata, result } } : {}),
        ruleErrorText,
      ),
    /** Create the same game once more, and open it. */
    rematch: () =>
      run(async (state) => {
        const body = rematchOf(await session.replay({ version: 1 }), state);
        const id = newId();
        keepSeats(state, id);
        await create({ ...body, session_id: id });
      }, "rematch"),
    cancel: () => run(() => session.cancel()),
    delete: () => run(() => session.delete()),
    /** The action of the main button and of the Space key. */
    primary() {
      const actions = {
        start: act.start,
        resume: act.pauseOrResume,
        switch: () => act.switchTo(),
        pause: act.pauseOrResume,
        complete: () => ask("complete"),
      };
      if (session.state) actions[mainAction(session.state, allowed())]?.();
    },
  };
  return act;
}
