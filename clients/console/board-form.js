import { boardLink, MOST_SESSIONS, sessionsOfLinks } from "./board-address.js";
import { el, setText } from "./dom.js";
import { field } from "./field.js";
import { dayAndTime } from "./format.js";
import { copied } from "./link-box.js";
import { namesOf } from "./names.js";
import { sessionLink } from "./session-link.js";

const LEAD = "The clocks of many sessions on one screen, such as all games of a match.";
const HINT = `One per line, as “Share” shows them. A board shows up to ${MOST_SESSIONS} sessions.`;

/**
 * The form that makes a board of pasted links and of the user's own sessions.
 *
 * @param {import("/clients/js/synckairos.js").SyncKairos} client lists the user's sessions
 * @param {import("./board-address.js").BoardSession[]} sessions those of the board until now
 * @param {(link: string) => void} open shows a board
 */
export function boardForm(client, sessions, open) {
  const links = field("Links to sessions", el("textarea", { rows: 8, spellcheck: false }), {
    hint: HINT,
  });
  const own = el("fieldset", { class: "board-own", hidden: true });
  const link = el("input", { readOnly: true, hidden: true, "aria-label": "The board’s link" });
  const said = el("p", { role: "status" });
  const actions = el(
    "div",
    { class: "board-actions" },
    el("button", { type: "submit", class: "primary" }, "Show the board"),
    el("button", { type: "button", onclick: onCopy }, "Copy the board’s link"),
    link,
    said,
  );
  links.value = sessions.map(({ id, token }) => sessionLink(id, token)).join("\n");
  offerOwn(client, own);

  /** The sessions of the form; null with an error at the field. */
  function read() {
    const chosen = Array.from(own.querySelectorAll(":checked"), ({ value }) => sessionLink(value));
    const { sessions: found, faults } = sessionsOfLinks(links.value, chosen);
    if (!found.length && !faults.length) faults.push("Paste a link, or choose a session.");
    if (found.length > MOST_SESSIONS) faults.push(`These are ${found.length} sessions.`);
    links.showError(faults.join(" "));
    if (!faults.length) return found;
    links.control.focus();
    return null;
  }

  async function onCopy() {
    const found = read();
    if (!found) return;
    link.value = boardLink(found);
    link.hidden = false;
    const hasTokens = found.some(({ token }) => token);
    const words = (await copied(link)) ? "The link is copied." : "Press Ctrl+C to copy the link.";
    setText(said, hasTokens ? `${words} Anyone who has it can do what the pasted links allow.` : words);
  }

  function onSubmit(event) {
    event.preventDefault();
    const found = read();
    if (found) open(boardLink(found));
  }

  return el(
    "form",
    { class: "board-form", noValidate: true, onsubmit: onSubmit },
    el("p", { class: "lead" }, LEAD),
    links.element,
    own,
    actions,
  );
}

/** Offer the user's newest sessions. A user without a list, such as a spectator, sees none. */
async function offerOwn(client, element) {
  const { sessions = [] } = await client.listPage({ limit: MOST_SESSIONS }).catch(() => ({}));
  element.append(el("legend", {}, "Your newest sessions"), ...sessions.map(choice));
  element.hidden = !sessions.length;
}

function choice(entry) {
  const { title } = namesOf({ participants: [], ...entry });
  return el(
    "label",
    { class: "board-choice" },
    el("input", { type: "checkbox", value: entry.session_id }),
    el("span", {}, `${title}, ${dayAndTime(entry.created_at)}`),
    el("span", { class: "pill", data: { status: entry.status } }, entry.status),
  );
}
