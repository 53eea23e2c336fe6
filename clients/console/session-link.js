/**
 * The values after `#` in an address, a part that browsers don't send to servers.
 *
 * @param {{hash: string}} [address]
 */
export function fragmentOf({ hash } = location) {
  return new URLSearchParams(hash.slice(1));
}

/**
 * The link that opens a session, for its holder. The token is in the fragment, which browsers don't
 * send to servers.
 *
 * @param {string} id
 * @param {string} [token]
 */
export function sessionLink(id, token) {
  return `${location.origin}/?session=${id}${token ? `#token=${token}` : ""}`;
}
