import { el, setText } from "./dom.js";
import { seconds } from "./format.js";
import { Pace } from "./pace.js";

const HEADS = ["Person", "Turns", "Given back", "Quota left"];

/**
 * A table of the lag that each participant of a session with `lag` got back, for those who may read
 * it. `read` returns the report; it is read after changes while `isOpen()`.
 */
export function fairnessSection(read, isOpen) {
  const rows = el("tbody");
  const table = el(
    "table",
    { class: "fairness" },
    el("thead", {}, el("tr", {}, ...HEADS.map((head) => el("th", { scope: "col" }, head)))),
    rows,
  );
  const note = el("p", { class: "fairness-note" });
  const element = el(
    "section",
    { "aria-labelledby": "fairness-title", hidden: true },
    el("h2", { id: "fairness-title" }, "Lag compensation"),
    el("div", { class: "fairness-area" }, table),
    note,
  );
  const pace = new Pace();
  let state;
  let names;
  let report = null;
  let timer = 0;
  let isReading = false;
  let isOver = false;

  function update(nextState, nextNames, allowed) {
    [state, names] = [nextState, nextNames];
    element.hidden = !(state.lag && allowed.readHistory);
    show();
    refresh();
  }

  /** Read the report if it is older than the state and somebody may be looking. */
  function refresh() {
    const isWanted = !element.hidden && isOpen() && !document.hidden && !isOver;
    const isOld = report?.version !== state?.version;
    if (!isWanted || !isOld || isReading || timer) return;
    timer = setTimeout(load, Math.max(0, pace.untilNext));
  }

  async function load() {
    timer = 0;
    isReading = true;
    pace.began();
    try {
      report = await read();
      pace.succeeded();
      show();
    } catch (error) {
      pace.failed(error);
      setText(note, `${error.message}.`);
    }
    isReading = false;
    refresh();
  }

  function show() {
    table.hidden = !report;
    if (!report) return;
    rows.replaceChildren(...report.participants.map((one) => row(one, names)));
    setText(note, "");
  }

  function stop() {
    isOver = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", refresh);
  }

  document.addEventListener("visibilitychange", refresh);
  return { element, update, refresh, stop };
}

function row(one, names) {
  const refused = one.not_compensated_ms > 0;
  return el(
    "tr",
    {},
    el("th", { scope: "row", dir: "auto" }, names.participant(one.participant_id)),
    el("td", {}, String(one.turns)),
    el(
      "td",
      {},
      seconds(one.compensated_ms),
      refused && el("small", {}, `of ${seconds(one.claimed_ms)} claimed`),
    ),
    el(
      "td",
      {},
      seconds(one.quota_ms),
      one.frame_lag_ms !== undefined && el("small", {}, `+${seconds(one.gain_ms)} a turn`),
    ),
  );
}
