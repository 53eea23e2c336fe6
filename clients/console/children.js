/**
 * Keep the children of `parent` in step with a list of keys. A child is kept as long as its key is in
 * the list, so that its state isn't lost.
 *
 * @template {{element: Element}} Child
 * @param {Element} parent
 * @param {(key: string) => Child} make
 */
export function keepChildren(parent, make) {
  const children = new Map();

  /**
   * @param {string[]} keys in the order of the page
   * @returns {Child[]} the children in this order
   */
  function update(keys) {
    for (const [key, child] of children) {
      if (keys.includes(key)) continue;
      child.element.remove();
      children.delete(key);
    }
    return keys.map((key, position) => {
      if (!children.has(key)) children.set(key, make(key));
      const child = children.get(key);
      const there = parent.children[position];
      if (there !== child.element) parent.insertBefore(child.element, there ?? null);
      return child;
    });
  }

  return { update };
}
