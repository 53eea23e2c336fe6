const EXAMPLE = "https://timers.example";

/**
 * The service's URL, without a slash at its end. A path, or no URL at all, is relative to the
 * page's origin. Throws a `TypeError` that says what is wrong.
 *
 * @param {string} baseUrl
 */
export function serviceUrl(baseUrl) {
  const url = parsed(baseUrl);
  if (!["http:", "https:"].includes(url?.protocol)) {
    const what = baseUrl ? `not ${JSON.stringify(baseUrl)}` : "and there is no page to take it from";
    throw new TypeError(`baseUrl must be the service's URL, such as ${EXAMPLE}, ${what}`);
  }
  if (url.username || url.password) throw new TypeError("baseUrl can't contain a user or password");
  if (url.search || url.hash) throw new TypeError("baseUrl can't contain a query or a fragment");
  return url.href.replace(/\/+$/, "");
}

function parsed(baseUrl) {
  try {
    return new URL(baseUrl, globalThis.location?.origin);
  } catch {
    return null;
  }
}
