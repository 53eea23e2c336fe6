/**
 * @param {?string} timestamp ISO 8601
 * @returns {?number} ms since 1970
 */
export function timestampMs(timestamp) {
  return timestamp ? Date.parse(timestamp) : null;
}
