import { setText, svg } from "./dom.js";
import { duration } from "./format.js";

const HEIGHT = 10;
/** The time before the known turns is drawn thinner. */
const THIN = { y: 3, height: 4 };
/** The number of turns in the label for screen readers. */
const LABELLED = 12;
const UNKNOWN = "The length of each turn isn’t known";
/** The smallest visible change, as a share of the scale: a bar has some hundred pixels. */
const VISIBLE = 1 / 1000;

/** One stacked bar: the time before the known turns, each finished turn, the time since (ms). */
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

  /** Show the finished turns of `owner`, oldest first, and the time `earlier` (ms) before them. */
  function show({ isKnown, earlier, turns: ended }, owner) {
    const next = `${isKnown} ${earlier} ${ended.map(({ version }) => version).join()}`;
    if (next === signature) return;
    signature = next;
    shown = -1;
    before.setAttribute("width", earlier);
    before.replaceChildren(title(`Before that: ${duration(round(earlier))}`));
    finished = earlier;
    turns.replaceChildren(...ended.map((turn, n) => segment(turn, n, owner)));
    element.setAttribute("aria-label", isKnown ? turnsLabel(earlier, ended) : UNKNOWN);
  }

  function segment(turn, position, owner) {
    const part = rect(position % 2 ? "turn odd" : "turn", finished, turn.ms);
    part.append(title(`${owner.turnName(turn)}: ${duration(round(turn.ms))}`));
    finished += turn.ms;
    return part;
  }

  /** Draw up to `total`; `isExact` also draws invisibly small changes. */
  function draw(total, nextScale, isExact) {
    if (nextScale !== scale) element.setAttribute("viewBox", `0 0 ${nextScale} ${HEIGHT}`);
    if (!isExact && Math.abs(total - shown) < nextScale * VISIBLE) return;
    scale = nextScale;
    shown = total;
    const left = Math.max(0, total - finished);
    rest.setAttribute("x", finished);
    rest.setAttribute("width", left);
    setText(restTitle, `Since then: ${duration(round(left))}`);
  }

  return { element, show, draw };
}

function turnsLabel(earlier, turns) {
  const labelled = turns.slice(-LABELLED);
  const rest = earlier + turns.slice(0, -LABELLED).reduce((sum, { ms }) => sum + ms, 0);
  const lengths = labelled.map(({ ms }) => duration(round(ms)));
  if (rest) lengths.unshift(`${duration(round(rest))} before`);
  return lengths.length ? `Turns: ${lengths.join(", ")}` : "No turn has ended yet";
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
