import { el } from "./dom.js";
import { roomClockPage, runPage } from "./run-page.js";
import { titledDisplay } from "./titled-display.js";

/**
 * The page of an exam: the room's clock and all candidates with their time. A candidate sees its own
 * clock only.
 */
export function examPage(tools) {
  return runPage(tools, {
    arrange: ({ own, head, list, isOwn }) => [
      isOwn ? own : el("div", { class: "run-page" }, head, list),
    ],
  });
}

/** The room's clock for a projector. */
export const examDisplay = titledDisplay(() => roomClockPage());
