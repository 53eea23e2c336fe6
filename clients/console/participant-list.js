import { used } from "/clients/js/synckairos.js";
import { el, setText } from "./dom.js";
import { currentId } from "./face-models.js";
import { duration } from "./format.js";
import { listFollower } from "./in-view.js";
import { personTag } from "./person-tag.js";

/** The participants of a session with a shared clock: whose turn it is, and the time each used. */
export function participantList(onPick) {
  const element = el("ul", { class: "participant-list", "aria-label": "Whose turn it is" });
  const rows = new Map();
  const follow = listFollower(element);
  let state;

  function update(nextState, names, allowed) {
    state = nextState;
    const isShared = ["global", "count_up"].includes(state.sync_mode);
    element.hidden = !isShared || state.participants.length < 2;
    if (element.hidden) return;
    for (const [id, row] of rows) {
      if (state.participants.some((one) => one.participant_id === id)) continue;
      row.element.remove();
      rows.delete(id);
    }
    for (const { participant_id: id, is_retired: isRetired } of state.participants) {
      if (!rows.has(id)) rows.set(id, add(id));
      const { name, tag } = rows.get(id);
      setText(name, isRetired ? `${names.participant(id)} (retired)` : names.participant(id));
      tag.update({ mayPick: allowed.switchTo(id), isCurrent: id === currentId(state) });
    }
  }

  function add(id) {
    const name = el("span", { dir: "auto" });
    const time = el("span", { class: "participant-time" });
    const tag = personTag("person", () => onPick(id), name, time);
    const row = el("li", {}, tag.element());
    element.append(row);
    return { element: row, name, time, tag };
  }

  function draw(at) {
    if (element.hidden) return;
    for (const one of state.participants) {
      const spent = Math.floor(used(state, one, at) / 1000) * 1000;
      setText(rows.get(one.participant_id).time, duration(spent));
    }
    follow(rows.get(currentId(state))?.element);
  }

  return { element, update, draw };
}
