/** Elements without markup in strings: data only ever gets in as text or as a property. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. Properties are set as such; `class`, `data` and what holds a dash are attributes.
 *
 * @param {string} tag
 * @param {Object<string, *>} [properties] a property that is null or undefined is left alone
 * @param {...(Node|string|null|undefined|false)} children
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name === "class") element.className = value;
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child || child === ""));
  return element;
}

/**
 * An element of SVG; it has attributes alone.
 *
 * @param {string} tag
 * @param {Object<string, *>} [attributes]
 * @param {...(Node|string)} children
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** An icon of the sprite; it says nothing to a screen reader. */
export function icon(name) {
  return svg("svg", { "aria-hidden": "true" }, svg("use", { href: `/console/icons.svg#${name}` }));
}

/** Touch the document only when the words change. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Likewise for a `data-` flag. */
export function setFlag(element, name, isOn) {
  if (element.hasAttribute(`data-${name}`) !== isOn) element.toggleAttribute(`data-${name}`, isOn);
}
