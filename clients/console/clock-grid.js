import { keepChildren } from "./children.js";
import { clockFace } from "./clock-face.js";
import { widthSetter } from "./clock-width.js";
import { el } from "./dom.js";
import { faceModels } from "./face-models.js";
import { pageFollower } from "./in-view.js";
import { seated } from "./seats.js";

/** All clocks of a state, at the same size. Their elements are kept across states. */
export function clockGrid(handlers) {
  const element = el("div", { class: "clock-grid" });
  const faces = keepChildren(element, () => clockFace(handlers));
  const setWidth = widthSetter(element);
  const follow = pageFollower();
  let shown = [];
  let active;

  function update(state, names, allowed) {
    const models = seated(faceModels(state, names), state.session_id);
    shown = faces.update(models.map(({ key }) => key));
    models.forEach((model, position) => shown[position].update(model, state, allowed));
    element.dataset.mode = state.sync_mode;
    element.dataset.count = String(Math.min(models.length, 9));
    active = shown[models.findIndex((model) => model.isActive)]?.element;
  }

  /** Draw the clocks at a server time (ms); return the ms until the text of one changes. */
  function draw(at) {
    const drawn = shown.map((face) => face.draw(at));
    setWidth(...drawn.map((face) => face.width));
    follow(active);
    return Math.min(...drawn.map((face) => face.untilChange));
  }

  return { element, update, draw };
}
