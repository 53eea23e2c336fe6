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
  if (status === 429) return `Too many requests. ${whenAgain(retryAfterMs)}`;
  return `${message}.`;
}

/** Why a session can't be shown yet, as a title and what happens next. */
export function problemInWords({ status, retryAfterMs }) {
  const next = `This page tries again ${soon(retryAfterMs)}. You need not do anything.`;
  if (status === 429) return ["Too many requests", `Many people are using this network. ${next}`];
  if (status === 0) return ["No connection", `The service can’t be reached. ${next}`];
  return ["The service is busy", `It can’t answer right now. ${next}`];
}

function soon(ms) {
  const seconds = Math.ceil(ms / 1000);
  return seconds > 1 ? `by itself in ${seconds} seconds` : "by itself in a moment";
}

function whenAgain(retryAfterMs) {
  const seconds = Math.ceil(retryAfterMs / 1000);
  return seconds > 1 ? `Try again in ${seconds} seconds.` : "Try again in a moment.";
}
