/**
 * Names for things that a page shows, in their order. Those that are the same are numbered, such as
 * "Break, 1 of 2", so that people who only hear the names can tell them apart.
 *
 * @param {string[]} names
 * @returns {string[]}
 */
export function distinct(names) {
  const totals = new Map();
  for (const name of names) totals.set(name, (totals.get(name) ?? 0) + 1);
  const seen = new Map();
  return names.map((name) => {
    const number = (seen.get(name) ?? 0) + 1;
    seen.set(name, number);
    return totals.get(name) === 1 ? name : `${name}, ${number} of ${totals.get(name)}`;
  });
}
