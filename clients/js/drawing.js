const LONGEST_WAIT_MS = 100;

/**
 * Call `draw` now, and again on the first animation frame after the display changes, rather than on
 * each frame: a phone that shows a clock for hours saves most of the work.
 *
 * @param {() => number} draw returns the ms until the display changes next; after 100 ms it is
 *   called in any case
 * @returns {{ redraw: () => void, stop: () => void }} `redraw` calls `draw` at once
 */
export function keepDrawn(draw) {
  let timer = 0;
  let frame = 0;

  function stop() {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
  }

  function redraw() {
    stop();
    timer = setTimeout(() => {
      frame = requestAnimationFrame(redraw);
    }, Math.min(LONGEST_WAIT_MS, draw()));
  }

  redraw();
  return { redraw, stop };
}
