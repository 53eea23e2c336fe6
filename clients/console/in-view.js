/** Keep what is current in view, where there is more than fits on the screen. */

/**
 * Return a function that scrolls the page to an element when it differs from the last one. Someone
 * who has scrolled away from the last one stays where they are.
 *
 * @returns {(element: Element|undefined) => void}
 */
export function follower() {
  let last;
  return (element) => {
    if (!element || element === last) return;
    const isFollowed = !last?.isConnected || isInView(last);
    last = element;
    if (isFollowed) element.scrollIntoView({ block: "nearest" });
  };
}

/** Scroll a list, but not the page, so that `row` is in view. */
export function scrollToRow(list, row) {
  const [outer, inner] = [list, row].map((one) => one.getBoundingClientRect());
  if (inner.top < outer.top) list.scrollTop -= outer.top - inner.top;
  else if (inner.bottom > outer.bottom) list.scrollTop += inner.bottom - outer.bottom;
}

function isInView(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}
