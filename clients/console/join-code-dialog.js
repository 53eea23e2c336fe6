import { openDialogWith } from "./dialog.js";
import { el, setText } from "./dom.js";
import { errorText, sharingErrorText } from "./error-texts.js";
import { field, select } from "./field.js";
import { dayAndTime } from "./format.js";
import { linkBox } from "./link-box.js";
import { expectsPeople } from "./nobody-yet.js";
import { hasToken } from "./token.js";

const MINUTE = 60_000;
const LIFETIMES = [
  [15 * MINUTE, "15 minutes"],
  [60 * MINUTE, "1 hour"],
  [240 * MINUTE, "4 hours"],
];
const USUAL_LIFETIME = 60 * MINUTE;
const EVERY_MS = 5_000;
const HALF = 3;

/** Show the session's join code, large enough for a projector; without one, open one. */
export function openJoinCode(session, note) {
  const body = el("div", { class: "join-code" });
  const problem = el("p", { class: "form-error", role: "alert" });
  const facts = el("p", { role: "status" });
  let shown = null; // the letters of the code that the dialog shows

  function showForm() {
    shown = null;
    const role = field("People can", select(rolesOf(session.state)));
    const lifetime = field("Open for", select(LIFETIMES));
    lifetime.value = USUAL_LIFETIME;
    if (expectsPeople(session.state)) role.value = "newcomers";
    role.show(hasToken());
    const open = el("button", { type: "button", class: "primary" }, "Open a code");
    open.onclick = () =>
      attempt(async () => show(await session.openJoinCode(bodyOf(role.control.value, lifetime))));
    body.replaceChildren(
      el("p", {}, "People type six letters, and are in. They need no link."),
      el("div", { class: "share-row" }, role.element, lifetime.element),
      open,
    );
  }

  function show(code) {
    setText(facts, factsOf(code));
    if (code.code === shown) return;
    shown = code.code;
    const close = el("button", { type: "button" }, "Close the code");
    close.onclick = () =>
      attempt(async () => {
        await session.closeJoinCode();
        showForm();
      });
    body.replaceChildren(...partsOf(code), el("div", { class: "join-code-facts" }, facts, close));
  }

  async function attempt(call) {
    setText(problem, "");
    try {
      await call();
    } catch (error) {
      setText(problem, sharingErrorText(error));
    }
  }

  /** Show the open code and how many have joined, or the form if there is none. */
  async function read() {
    try {
      show(await session.joinCode());
    } catch (error) {
      if (error.code === "NOT_FOUND") showForm();
      else if (!shown) setText(problem, errorText(error));
    }
  }

  const timer = setInterval(() => shown && read(), EVERY_MS);
  const parts = [body, problem, note].filter(Boolean);
  const dialog = openDialogWith("Join with a code", parts, null, () => true);
  dialog.classList.add("join-dialog");
  dialog.addEventListener("close", () => clearInterval(timer));
  read();
}

function rolesOf({ participants, sync_mode: mode, time_per_cycle_ms: cycle }) {
  const needsTime = mode === "per_participant" || mode === "per_group" || (mode === "per_cycle" && !cycle);
  return [
    ["spectator", "watch"],
    ...(participants.length ? [["participant", "take part as one of the people"]] : []),
    ...(needsTime ? [] : [["newcomers", "take part, also as new people"]]),
  ];
}

function bodyOf(choice, lifetime) {
  const expires = { expires_in_ms: Number(lifetime.value) };
  if (choice !== "newcomers") return { role: choice, ...expires };
  return { role: "participant", newcomers: {}, ...expires };
}

/** The address, the code, and both as a QR code and a link. */
function partsOf({ code }) {
  const address = el("strong", {}, `${location.host}/join`);
  const box = linkBox();
  box.show(`${location.origin}/join#code=${code}`);
  const halves = [code.slice(0, HALF), code.slice(HALF)].map((half) => el("span", {}, half));
  return [
    el("p", { class: "join-code-address" }, "Open ", address, " and type"),
    el("p", { class: "join-code-letters", role: "img", "aria-label": [...code].join(" ") }, ...halves),
    box.element,
  ];
}

function factsOf({ role, uses, expires_at: until }) {
  const what = role === "participant" ? "People take part. " : "People watch. ";
  const several = uses ? `${uses} people have joined` : "Nobody has joined yet";
  const joined = uses === 1 ? "1 person has joined" : several;
  return `${hasToken() ? what : ""}${joined}. Open until ${dayAndTime(until)}.`;
}
