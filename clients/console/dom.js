/** Creates elements without HTML strings: data is only inserted as text or as a property. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Create an element. `class` sets its class and `data` its dataset; a name that isn't a property of
 * the element is set as an attribute.
 *
 * @param {string} tag
 * @param {Object<string, *>} [properties] null and undefined are skipped
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
 * Create an SVG element.
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

/** An icon of the sprite, hidden from screen readers. */
export function icon(name) {
  return svg("svg", { "aria-hidden": "true" }, svg("use", { href: `/console/icons.svg#${name}` }));
}

/** Set an element's text; does nothing if it is the same. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Set or remove a `data-` attribute; does nothing if it is the same. */
export function setFlag(element, name, isOn) {
  if (element.hasAttribute(`data-${name}`) !== isOn) element.toggleAttribute(`data-${name}`, isOn);
}
