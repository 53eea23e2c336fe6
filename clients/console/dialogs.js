import { newId } from "/clients/js/synckairos.js";
import { openAdjust } from "./adjust-dialog.js";
import { openComplete } from "./complete-dialog.js";
import { openDialogWith } from "./dialog.js";
import { el } from "./dom.js";
import { field, select, textInput } from "./field.js";
import { openJoinCode } from "./join-code-dialog.js";
import { namesOf } from "./names.js";
import {
  openForfeit,
  openRemovePerson,
  openRename,
  openRetire,
  openStarter,
} from "./person-dialogs.js";
import {
  openAddRun,
  openFinishLast,
  openFinishOwn,
  openGiveTime,
  openGiveUpLast,
  openRemoveRun,
} from "./run-dialogs.js";
import { NOT_A_TIME } from "./parse-time.js";
import { timeField } from "./time-field.js";
import { openUndo } from "./undo-dialog.js";

const QUESTIONS = {
  cancel: ["Cancel this session?", "It ends without a result, for everyone.", "Cancel session"],
  delete: ["Delete this session?", "It will be deleted for everyone.", "Delete"],
};

const FORMS = {
  add: openAdd,
  addRun: openAddRun,
  adjust: openAdjust,
  complete: openComplete,
  finishLast: openFinishLast,
  finishOwn: openFinishOwn,
  forfeit: openForfeit,
  giveTime: openGiveTime,
  giveUpLast: openGiveUpLast,
  joinCode: (session) => openJoinCode(session),
  removePerson: openRemovePerson,
  removeRun: openRemoveRun,
  rename: openRename,
  retire: openRetire,
  starter: openStarter,
  undo: openUndo,
};

/**
 * Open a confirmation for an action that can't be undone, or a form. Some forms are about the
 * participant with `id`.
 */
export function openDialog(name, session, act, id) {
  if (FORMS[name]) FORMS[name](session, act, id);
  else openQuestion(QUESTIONS[name], () => act[name]());
}

function openQuestion([title, words, verb], onYes) {
  openDialogWith(title, [el("p", {}, words)], verb, () => (onYes(), true));
}

function openAdd({ state }, act) {
  const needsTime = needsOwnTime(state);
  const time = timeField("Time");
  time.value = "3:00";
  const team = field("Team", select(teamsOf(state)));
  time.show(needsTime);
  team.show(state.sync_mode === "per_group");
  const name = field("Name", textInput({ maxLength: 60 }));
  const words = el("p", {}, "They join at the end of the order.");
  const body = [words, name.element, team.element, time.element];
  openDialogWith("Add a person", body, "Add", () => {
    const { ms } = time;
    if (needsTime && !ms) return time.showError(NOT_A_TIME), false;
    act.add({
      participant_id: newId(),
      name: name.value.trim() || undefined,
      total_time_ms: ms,
      group_id: team.value || undefined,
    });
    return true;
  });
  name.control.focus();
}

function needsOwnTime({ sync_mode: mode, time_per_cycle_ms: cycle }) {
  return mode === "per_participant" || mode === "per_group" || (mode === "per_cycle" && !cycle);
}

function teamsOf(state) {
  const names = namesOf(state);
  const present = (state.groups ?? []).map((g) => [g.group_id, names.group(g.group_id)]);
  return [...present, ["", "A new team"]];
}
