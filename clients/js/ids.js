/**
 * A random UUID (version 4). `crypto.randomUUID` exists only in secure contexts, which a page from
 * `http://192.168.…` is not.
 *
 * @returns {string}
 */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a text is a UUID, in any case. */
export function isUuid(text) {
  return UUID.test(text);
}

/** Whether two ids are the same: UUIDs in any case, other ids only if they are equal. */
export function isSameId(one, other) {
  return one === other || (one.toLowerCase() === other.toLowerCase() && isUuid(one));
}

/** The path of a session; throws like `pathSegment`. @param {string} id */
export function sessionPath(id) {
  return `/v1/sessions/${pathSegment(id)}`;
}

const NO_SEGMENTS = ["", ".", ".."];

/**
 * An id as a segment of a path. Throws a `TypeError` for an empty id, `.` and `..`: URLs resolve such
 * segments, so that the request would concern something else.
 *
 * @param {string} id
 * @returns {string}
 */
export function pathSegment(id) {
  if (NO_SEGMENTS.includes(id)) throw new TypeError(`An id in a path can't be "${id}"`);
  return encodeURIComponent(id);
}
