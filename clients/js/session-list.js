/**
 * The query of `GET /v1/sessions`.
 *
 * @param {import("./synckairos.js").ListFilter} filter
 */
export function listQuery({ createdAfter, metadata = {}, ...rest }) {
  const query = new URLSearchParams();
  const instant = createdAfter instanceof Date ? createdAfter.toISOString() : createdAfter;
  for (const [name, value] of Object.entries({ ...rest, created_after: instant })) {
    if (value !== undefined && value !== null) query.set(name, String(value));
  }
  for (const [key, value] of Object.entries(metadata)) query.set(`metadata.${key}`, String(value));
  return query;
}

/**
 * All sessions of a list, over its pages. A page may be empty although more follow.
 *
 * @param {(filter: object) => Promise<import("./synckairos.js").ListPage>} read
 * @param {import("./synckairos.js").ListFilter} filter
 */
export async function* eachListed(read, filter) {
  let { after } = filter;
  do {
    const page = await read({ ...filter, after });
    yield* page.sessions;
    after = page.next ?? undefined;
  } while (after !== undefined);
}
