import { setText, svg } from "./dom.js";
import { duration } from "./format.js";

const HEIGHT = 10;
/** What was before the turns is drawn thinner than they are. */
const THIN = { y: 3, height: 4 };
/** Turns that are told one by one to those who can't see them. */
const TOLD = 12;
const UNKNOWN = "Turn by turn it isn’t known";
/** A bar is some hundred pixels long: less of a change than this part of the scale isn't seen. */
const SEEN = 1 / 1000;

/** One stacked bar: what was before, each finished turn, and what runs. Lengths are ms. */
export function usageBar() {
  const before = svg("rect", { class: "before", x: 0, width: 0, ...THIN });
  const turns = svg("g");
  const rest = rect("rest");
  const restTitle = svg("title");
  rest.append(restTitle);
  const element = svg(
    "svg",
    { class: "usage-bar", role: "img", preserveAspectRatio: "none" },
    before,
    turns,
    rest,
  );
  let finished = 0;
  let scale = 0;
  let shown = -1;
  let signature = "";

  /** The finished turns of `owner`, oldest first, and the time `earlier` than them. */
  function show({ isKnown, earlier, turns: ended }, owner) {
    const next = `${isKnown} ${earlier} ${ended.map(({ version }) => version).join()}`;
    if (next === signature) return;
    signature = next;
    shown = -1;
    before.setAttribute("width", earlier);
    before.replaceChildren(title(`Before that: ${duration(round(earlier))}`));
    finished = earlier;
    turns.replaceChildren(...ended.map((turn, n) => segment(turn, n, owner)));
    element.setAttribute("aria-label", isKnown ? inWords(earlier, ended) : UNKNOWN);
  }

  function segment(turn, position, owner) {
    const part = rect(position % 2 ? "turn odd" : "turn", finished, turn.ms);
    part.append(title(`${owner.turnName(turn)}: ${duration(round(turn.ms))}`));
    finished += turn.ms;
    return part;
  }

  /** `isExact`: even what nobody sees. */
  function draw(total, nextScale, isExact) {
    if (nextScale !== scale) element.setAttribute("viewBox", `0 0 ${nextScale} ${HEIGHT}`);
    if (!isExact && Math.abs(total - shown) < nextScale * SEEN) return;
    scale = nextScale;
    shown = total;
    const left = Math.max(0, total - finished);
    rest.setAttribute("x", finished);
    rest.setAttribute("width", left);
    setText(restTitle, `Since then: ${duration(round(left))}`);
  }

  return { element, show, draw };
}

function inWords(earlier, turns) {
  const told = turns.slice(-TOLD);
  const untold = earlier + turns.slice(0, -TOLD).reduce((sum, { ms }) => sum + ms, 0);
  const lengths = told.map(({ ms }) => duration(round(ms)));
  if (untold) lengths.unshift(`${duration(round(untold))} before`);
  return lengths.length ? `Turns: ${lengths.join(", ")}` : "No turn is over yet";
}

/** To the tenth of a second. */
function round(ms) {
  return Math.round(ms / 100) * 100;
}

function rect(name, x = 0, width = 0) {
  return svg("rect", { class: name, x, width, y: 0, height: HEIGHT });
}

function title(words) {
  return svg("title", {}, words);
}
