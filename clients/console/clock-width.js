const TENTHS_SIZE = 0.42; // of `.face-tenths`
const SIZE = 100;
const NARROWEST = 2.4; // in em, so that a clock with few digits isn't drawn larger than others
const widths = new Map();
let context;

/**
 * The width of a clock's text in em, a little more than with the narrow spacing of `.face-time`.
 * It depends on the font, and on the text's form only, because all digits are equally wide.
 *
 * @param {string} whole such as 1:02:03
 * @param {string} tenths such as .4, drawn smaller
 */
export function clockWidth(whole, tenths) {
  const form = `${whole} ${tenths}`.replace(/\d/g, "0");
  if (!widths.has(form)) {
    const [large, small] = form.split(" ").map(measured);
    widths.set(form, large + small * TENTHS_SIZE);
  }
  return widths.get(form);
}

/**
 * Return a function that takes the widths of texts (em) and sets `--width` of `element` to the
 * widest. It changes the document only if that has changed.
 *
 * @param {HTMLElement} element
 * @returns {(...widths: number[]) => void}
 */
export function widthSetter(element) {
  let widest = 0;
  return (...widths) => {
    const width = Math.max(NARROWEST, ...widths);
    if (width !== widest) element.style.setProperty("--width", width.toFixed(3));
    widest = width;
  };
}

function measured(text) {
  context ??= document.createElement("canvas").getContext("2d");
  context.font = `600 ${SIZE}px ${getComputedStyle(document.body).fontFamily}`;
  return context.measureText(text).width / SIZE;
}
