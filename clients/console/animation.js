/** Call `draw` on every animation frame; return a function that stops this. */
export function everyFrame(draw) {
  let frame = 0;
  const next = () => {
    draw();
    frame = requestAnimationFrame(next);
  };
  frame = requestAnimationFrame(next);
  return () => cancelAnimationFrame(frame);
}
