/**
 * Keep the current element in view, on a page or in a list that is longer than the screen. Call the
 * returned functions after each drawing, because they need the sizes of the elements. They do
 * nothing until another element is the current one.
 */

/**
 * Return a function that scrolls the page to an element when it differs from the last one. It
 * doesn't scroll if the user has scrolled away from the last one.
 *
 * @returns {(element: Element|undefined) => void}
 */
export function pageFollower() {
  let last;
  return (element) => {
    if (!element || element === last) return;
    const isFollowed = !last?.isConnected || isInView(last);
    last = element;
    if (isFollowed) element.scrollIntoView({ block: "nearest" });
  };
}

/**
 * Return a function that scrolls `list`, but not the page, when its current row differs from the last
 * one: a row that isn't in view comes to the middle.
 *
 * @returns {(row: Element|undefined) => void}
 */
export function listFollower(list) {
  let last;
  return (row) => {
    if (!row || row === last) return;
    last = row;
    const [outer, inner] = [list, row].map((one) => one.getBoundingClientRect());
    if (inner.top >= outer.top && inner.bottom <= outer.bottom) return;
    list.scrollTop += (inner.top + inner.bottom - outer.top - outer.bottom) / 2;
  };
}

function isInView(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}
