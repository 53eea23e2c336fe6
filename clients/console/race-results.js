import { el, setText } from "./dom.js";
import { lapTime } from "./format.js";
import { results, stepsOf } from "./runs.js";
import { wordsOf } from "./words.js";

/**
 * The results of a race by time, with the gap to the first; at most the first `most`, if given. Rows
 * are kept across states.
 */
export function raceResults({ onStep, most = Infinity }) {
  const body = el("tbody");
  const heads = ["Place", "Name", "Time", "Gap"].map((name) => el("th", { scope: "col" }, name));
  const undo = el("th", { scope: "col" }, el("span", { class: "unseen" }, "Undo"));
  const title = el("h2", { id: "results" }, "Results");
  const number = el("span", { class: "run-count" });
  const table = el(
    "table",
    { class: "results", "aria-labelledby": title.id },
    el("thead", {}, el("tr", {}, ...heads, undo)),
    body,
  );
  const nobody = el("p", { class: "run-nobody" }, "Nobody has finished yet.");
  const element = el(
    "section",
    { class: "race-results" },
    el("div", { class: "run-heading" }, title, number),
    nobody,
    table,
  );
  const rows = new Map();

  function update(state, names, allowed) {
    const all = results(state);
    nobody.hidden = all.length > 0;
    table.hidden = !all.length;
    const shown = all.slice(0, most);
    const isPart = shown.length < all.length;
    setText(number, isPart ? `the first ${most} of ${all.length}` : String(all.length));
    const ids = new Set(shown.map(({ run }) => run.participant_id));
    for (const [id, row] of rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      rows.delete(id);
    }
    shown.forEach((result, position) => {
      const id = result.run.participant_id;
      if (!rows.has(id)) rows.set(id, resultRow(() => onStep("reopen", id)));
      const row = rows.get(id);
      row.update(result, state, names.participant(id), allowed);
      const present = body.children[position];
      if (present !== row.element) body.insertBefore(row.element, present ?? null);
    });
  }

  return { element, update };
}

function resultRow(onUndo) {
  const place = el("td", { class: "result-place" });
  const name = el("th", { scope: "row", dir: "auto" });
  const time = el("td", { class: "result-time" });
  const gap = el("td", { class: "result-gap" });
  const button = el("button", { type: "button", class: "quiet", onclick: onUndo }, "Undo");
  const undo = el("td", { class: "result-undo" }, button);
  const element = el("tr", {}, place, name, time, gap, undo);

  function update({ run, place: rank, ms, gapMs }, state, label, allowed) {
    const isFinished = rank !== null;
    element.dataset.place = rank ?? "";
    setText(place, isFinished ? `${rank}.` : "–");
    setText(name, label);
    name.title = label;
    setText(time, isFinished ? lapTime(ms) : wordsOf(state).states.closed);
    setText(gap, gapMs ? `+${lapTime(gapMs)}` : "");
    button.hidden = !stepsOf(state, run, allowed).includes("reopen");
    button.setAttribute("aria-label", `${isFinished ? "Undo the finish" : "Reopen"}: ${label}`);
  }

  return { element, update };
}
