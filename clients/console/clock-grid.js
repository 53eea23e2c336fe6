import { keepChildren } from "./children.js";
import { clockFace } from "./clock-face.js";
import { el } from "./dom.js";
import { faceModels } from "./face-models.js";
import { seated } from "./seats.js";

/** In em, so that a clock with few digits isn't drawn larger than others. */
const NARROWEST = 2.4;

/** All clocks of a state, at the same size. Their elements are kept across states. */
export function clockGrid(handlers) {
  const element = el("div", { class: "clock-grid" });
  const faces = keepChildren(element, () => clockFace(handlers));
  let shown = [];
  let widest = 0;

  function update(state, names, allowed) {
    const models = seated(faceModels(state, names), state.session_id);
    shown = faces.update(models.map(({ key }) => key));
    models.forEach((model, position) => shown[position].update(model, state, allowed));
    element.dataset.mode = state.sync_mode;
    element.dataset.count = String(Math.min(models.length, 9));
  }

  /** Draw the clocks at a server time (ms); return the ms until the text of one changes. */
  function draw(at) {
    const drawn = shown.map((face) => face.draw(at));
    const width = Math.max(NARROWEST, ...drawn.map((face) => face.width));
    if (width !== widest) element.style.setProperty("--width", width.toFixed(3));
    widest = width;
    return Math.min(...drawn.map((face) => face.untilChange));
  }

  return { element, update, draw };
}
