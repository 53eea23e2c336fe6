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
