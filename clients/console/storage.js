/** Values that a browser keeps. Where it keeps none, they are lost when the page is closed. */

/**
 * @param {"localStorage"|"sessionStorage"} name of the browser's storage
 * @param {string} key
 * @returns {?string} null if there is none
 */
export function stored(name, key) {
  try {
    return globalThis[name].getItem(key);
  } catch {
    return null; // access to the storage is blocked
  }
}

/** @param {"localStorage"|"sessionStorage"} name */
export function store(name, key, value) {
  try {
    globalThis[name].setItem(key, value);
  } catch {
    /* access to the storage is blocked, or it is full */
  }
}

/**
 * A value that `storeJson` has stored.
 *
 * @template {object} Value
 * @param {"localStorage"|"sessionStorage"} name
 * @param {string} key
 * @param {Value} otherwise an array or an object
 * @returns {Value} `otherwise` if nothing was stored, or something of another kind
 */
export function storedJson(name, key, otherwise) {
  try {
    const value = JSON.parse(stored(name, key));
    return value?.constructor === otherwise.constructor ? value : otherwise;
  } catch {
    return otherwise; // something else was stored under this key
  }
}

/** @param {"localStorage"|"sessionStorage"} name */
export function storeJson(name, key, value) {
  store(name, key, JSON.stringify(value));
}
