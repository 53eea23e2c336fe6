const REFUSALS = {
  401: ["You need a fresh link", "Ask whoever runs the session for a link that lets you in."],
  403: ["Your link isn’t for this", "Ask whoever runs the session for one that is."],
  404: ["Nothing here for you", "Open the link that you were given for this session."],
};

/** What was refused for good, as a title and what to do. */
export function refusalInWords({ status }) {
  return REFUSALS[status];
}

/** What an error means to the one who sees it, and what to do about it. */
export function inWords({ status, code, message, retryAfterMs }) {
  if (code === "CONFLICT") return "Somebody else was faster.";
  if (status === 401 || status === 403) return REFUSALS[status].join(". ");
  if (status === 429) return `That was too much at once. ${whenAgain(retryAfterMs)}`;
  return `${message}.`;
}

function whenAgain(retryAfterMs) {
  const seconds = Math.ceil(retryAfterMs / 1000);
  return seconds > 1 ? `Try again in ${seconds} seconds.` : "Try again in a moment.";
}
