import { isAlertOn } from "./alert-settings.js";
import { allowedIn } from "./allowed.js";
import { timeInWords } from "./format.js";
import { announce } from "./notifications.js";
import { playTone } from "./tone.js";

const VIBRATIONS = { warning: [200], end: [300, 150, 300, 150, 600] };

/**
 * Tell the user about warnings and clocks at zero, in each way that is on in `alert-settings.js`.
 *
 * @param {(state: object) => object} namesOf
 * @returns {() => void} stop it
 */
export function alerts(session, namesOf) {
  const concerns = ({ participant_id: participantId }) => {
    const { state } = session;
    if (!state) return false;
    const { own } = allowedIn(state);
    // A participant with a clock of its own isn't alerted by the clocks of others.
    return state.sync_mode !== "individual" || !own || !participantId || participantId === own;
  };

  function onWarning({ detail }) {
    if (!concerns(detail)) return;
    signal("warning");
    if (isAlertOn("speech")) announce(warningText(detail, namesOf(session.state)));
  }

  /** The update of the state says in words whose time is up. */
  function onExpired({ detail }) {
    if (concerns(detail)) signal("end");
  }

  session.addEventListener("warning", onWarning);
  session.addEventListener("expired", onExpired);
  return () => {
    session.removeEventListener("warning", onWarning);
    session.removeEventListener("expired", onExpired);
  };
}

function signal(kind) {
  if (isAlertOn("sound")) playTone(kind);
  if (isAlertOn("vibration")) navigator.vibrate?.(VIBRATIONS[kind]);
}

function warningText(warning, names) {
  const { participant_id: participantId, group_id: groupId, threshold_ms: thresholdMs } = warning;
  const time = timeInWords(Math.abs(thresholdMs));
  if (warning.before_start) return `Starts in ${time}.`;
  const who = participantId ? names.participant(participantId) : groupId && names.group(groupId);
  const words = `${time} ${thresholdMs < 0 ? "over" : "left"}`;
  return who ? `${who}: ${words}.` : `${words}.`;
}
