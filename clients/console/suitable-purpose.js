/** The values of `sync_mode` in which each purpose (`metadata.purpose`) has a page and words. */
const MODES = {
  auction: ["global", "per_cycle"],
  meeting: ["global"],
  quiz: ["global"],
  quiz_answers: ["individual"],
  exam: ["individual"],
  race: ["individual"],
};

/** What else the page of a purpose needs. An application may set any purpose for any session. */
const NEEDS = {
  meeting: ({ items }) => Boolean(items),
  quiz_answers: ({ rounds }) => Boolean(rounds),
};

/** The purpose of a session if there is one in its mode. @returns {?string} */
export function namedPurpose({ metadata, sync_mode: mode }) {
  const purpose = metadata?.purpose;
  const isKnown = typeof purpose === "string" && Object.hasOwn(MODES, purpose);
  return isKnown && MODES[purpose].includes(mode) ? purpose : null;
}

/** The same, if the session also has all that the page of this purpose needs. @returns {?string} */
export function suitablePurpose(state) {
  const purpose = namedPurpose(state);
  const hasAll = NEEDS[purpose]?.(state) ?? true;
  return hasAll ? purpose : null;
}
