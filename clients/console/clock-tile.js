import { keepChildren } from "./children.js";
import { clockWidth, widthSetter } from "./clock-width.js";
import { el, icon, setFlag, setText } from "./dom.js";
import { nameBook } from "./names.js";
import { tileClocks } from "./tile-clocks.js";
import { tileStatus } from "./tile-status.js";

const EVENTS = ["update", "deleted", "connection"];
const NO_CLOCK = ["", "No such participant or group"];

/**
 * The clocks of one session without any controls, as large as the tile allows.
 *
 * @param {import("/clients/js/synckairos.js").Session} session
 * @param {object} options
 * @param {Node} options.title the element with the session's title
 * @param {Node} [options.words] the part of it that the tile fills with the title; by default all
 * @param {?string} [options.chosen] id of the only participant or group to show
 * @param {number} options.most clocks; with more, only the active one is shown
 */
export function clockTile(session, { title, words = title, chosen, most }) {
  const namesOf = nameBook();
  const status = el("p", { class: "tile-status", role: "status" });
  const list = el("div", { class: "tile-clocks" });
  const element = el("section", { class: "tile" }, el("header", {}, title, status), list);
  const faces = keepChildren(list, tileFace);
  const setWidth = widthSetter(element);
  let clocks = [];
  let shown = [];

  function update() {
    const { state, existence } = session;
    const names = state && namesOf(state);
    clocks = state ? tileClocks(state, names, { chosen, most }) : [];
    if (names) setText(words, names.title);
    const isMissing = state && !clocks.length;
    showStatus(isMissing ? NO_CLOCK : tileStatus(session));
    element.dataset.status = state?.status ?? existence;
    shown = faces.update(clocks.map(({ key }) => key));
    list.dataset.count = String(clocks.length);
  }

  function showStatus([image, words]) {
    if (status.textContent === words) return;
    status.replaceChildren(...(image ? [icon(image)] : []), words);
  }

  /** Draw the clocks; return the ms until the text of one changes. */
  function draw() {
    const at = session.clock.now();
    const views = clocks.map(({ view }) => view(at));
    views.forEach((view, position) => shown[position].draw(view, clocks[position].isActive));
    setWidth(...views.map(({ text }) => clockWidth(text, ""))); // tenths are as large as the seconds
    setFlag(element, "low", views.some(({ isLow }) => isLow));
    return Math.min(...views.map(({ untilChange }) => untilChange));
  }

  /**
   * Show the session's changes until `stop`; `onChange` is called after each.
   *
   * @returns {Promise<void>} resolves when the first state or a problem is shown
   */
  async function follow(onChange) {
    for (const name of EVENTS) session.addEventListener(name, () => (update(), onChange()));
    await session.open().catch(() => {});
  }

  update();
  return { element, draw, follow, stop: () => session.close() };
}

function tileFace() {
  const name = el("span", { class: "tile-name", dir: "auto" });
  const note = el("span", { class: "tile-note" });
  const time = el("span", { class: "tile-time", role: "timer" });
  const head = el("span", { class: "tile-clock-head" }, name, note);
  const element = el("div", { class: "tile-clock" }, head, time);

  function draw(view, isActive) {
    setText(name, view.name);
    setText(note, view.note);
    setText(time, view.text);
    if (time.ariaLabel !== view.name) time.ariaLabel = view.name;
    setFlag(element, "active", isActive);
    setFlag(element, "low", view.isLow);
    setFlag(element, "fallen", view.isOver);
  }

  return { element, draw };
}
