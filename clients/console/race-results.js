import { el } from "./dom.js";
import { lapTime } from "./format.js";
import { stepText } from "./run-steps.js";
import { results, stepsOf } from "./runs.js";
import { wordsOf } from "./words.js";

/** The results of a race by time, with the gap to the first; at most the first `most`, if given. */
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

  function update(state, names, allowed) {
    const all = results(state);
    number.textContent = String(all.length);
    nobody.hidden = all.length > 0;
    table.hidden = !all.length;
    body.replaceChildren(...all.slice(0, most).map((result) => row(result, state, names, allowed)));
  }

  function row({ run, place, ms, gapMs }, state, names, allowed) {
    const name = names.participant(run.participant_id);
    const mayReopen = stepsOf(state, run, allowed).includes("reopen");
    const text = stepText("reopen", state, run);
    const onclick = () => onStep("reopen", state, run);
    const button = el(
      "button",
      { type: "button", class: "quiet", onclick, "aria-label": `${text}: ${name}` },
      "Undo",
    );
    const isFinished = place !== null;
    return el(
      "tr",
      { data: { place: place ?? "" } },
      el("td", { class: "result-place" }, isFinished ? `${place}.` : "–"),
      el("th", { scope: "row", title: name }, name),
      el("td", { class: "result-time" }, isFinished ? lapTime(ms) : wordsOf(state).states.closed),
      el("td", { class: "result-gap" }, isFinished && gapMs ? `+${lapTime(gapMs)}` : ""),
      el("td", { class: "result-undo" }, mayReopen && button),
    );
  }

  return { element, update };
}
