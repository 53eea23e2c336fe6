import { isTerminal, participantOf } from "/clients/js/synckairos.js";
import { isDisplay } from "./display.js";
import { tokenClaims } from "./token.js";
import { takesTurns } from "./turn-words.js";

const MODES_WITH_BANKS = ["per_participant", "per_group"];

/**
 * @typedef {object} Allowed what the user may do with a session in its present state
 * @property {boolean} takePart whether there is anything to do for the user, now or later
 * @property {boolean} start
 * @property {boolean} switch
 * @property {(participantId: string) => boolean} switchTo
 * @property {boolean} go begin any item of a programme
 * @property {boolean} pause
 * @property {boolean} resume
 * @property {boolean} undo
 * @property {?string} own the user's own participant
 * @property {(participantId: string) => boolean} begin in `individual`
 * @property {(participantId: string) => boolean} finish in `individual`
 * @property {boolean} manage change people and settings, complete and cancel
 * @property {boolean} adjustClocks
 * @property {boolean} forfeit
 * @property {boolean} delete
 * @property {boolean} readHistory
 * @property {(participantId: string) => number} gift the most (ms) that the user may give to a
 *   participant, as another participant
 */

/**
 * What the user may do, by the role in the token (docs/security.md) and by the session's state. It
 * decides which controls are shown and which keys work; the service checks each request.
 *
 * @returns {Allowed}
 */
export function allowedIn(state) {
  const { status } = state;
  const isHost = mayHost();
  const own = ownParticipant(state);
  const isOpen = !isTerminal(state);
  const isRunning = status === "running";
  const isIndividual = state.sync_mode === "individual";
  const hasTurns = takesTurns(state);
  const isOwn = (id) => own?.participant_id === id;
  const maySwitch = hasTurns && isRunning && (isHost || Boolean(own?.is_active));
  const mayPause = isHost || Boolean(own && state.participants_may_pause);
  return {
    takePart: isHost || Boolean(own),
    start: isHost && status === "pending",
    switch: maySwitch,
    switchTo: (id) => maySwitch && !participantOf(state, id)?.is_retired,
    go: isHost && isRunning && Boolean(state.items),
    pause: isRunning && mayPause,
    resume: status === "paused" && mayPause,
    undo: hasTurns && isHost && (isRunning || status === "paused"),
    own: own?.participant_id ?? null,
    begin: (id) => isIndividual && isRunning && (isHost || isOwn(id)),
    finish: (id) => isIndividual && (isRunning || status === "paused") && (isHost || isOwn(id)),
    manage: isHost && isOpen,
    adjustClocks: isHost && (isOpen || status === "expired"),
    forfeit: isHost && isRunning && MODES_WITH_BANKS.includes(state.sync_mode),
    delete: isHost,
    readHistory: isHost,
    gift: (id) => (own && isOpen ? giftTo(state, own, id) : 0),
  };
}

/**
 * Whether the user may do everything with a session. Without a token this is true, but a display has
 * no controls.
 */
export function mayHost() {
  if (isDisplay()) return false;
  return !["participant", "spectator"].includes(tokenClaims().role);
}

/** Whether the user may create sessions, which a cohost of one session may not. */
export function mayCreate() {
  return mayHost() && tokenClaims().role !== "cohost";
}

/** The user's own participant; null for all but participants of this session. */
function ownParticipant(state) {
  const { role, participant_id: id } = tokenClaims();
  return role === "participant" && id && !isDisplay() ? participantOf(state, id) : null;
}

function giftTo(state, own, id) {
  const to = participantOf(state, id);
  const isOwnClock = to === own || (to?.group_id && to.group_id === own.group_id);
  const hasGifts = MODES_WITH_BANKS.includes(state.sync_mode);
  return to && hasGifts && !isOwnClock ? (state.participants_may_give_ms ?? 0) : 0;
}
