import { openDialogWith } from "./dialog.js";
import { el, setText } from "./dom.js";
import { sharingErrorText } from "./error-texts.js";
import { field, select } from "./field.js";
import { dayAndTime } from "./format.js";
import { linkBox } from "./link-box.js";
import { openJoinCode } from "./join-code-dialog.js";
import { namesOf } from "./names.js";
import { sessionLink } from "./session-link.js";
import { hasToken } from "./token.js";

const HOUR = 3_600_000;
const LIFETIMES = [
  [HOUR, "1 hour"],
  [4 * HOUR, "4 hours"],
  [24 * HOUR, "24 hours"],
];
const USUAL_LIFETIME = 24 * HOUR;
const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/;
const THIS_COMPUTER_ONLY =
  "This address works on this computer only. For phones, open the page at an address that " +
  "“make run LAN=1” prints, and share it from there.";
const EVERYBODY =
  "Everyone who has this link can do everything with the session, because this service asks for no tokens.";

/**
 * Show links to the session: to watch it, to take part as one of its people, and to host it; and the
 * way to a code for a room.
 */
export function openShare(session) {
  const box = linkBox();
  const note = LOOPBACK.test(location.hostname) && el("p", { class: "note" }, THIS_COMPUTER_ONLY);
  const code = el("button", { type: "button" }, "Join with a code …");
  code.onclick = () => {
    code.closest("dialog").close();
    openJoinCode(session, note);
  };
  if (hasToken()) return openWithTokens(session, [box, code, note]);
  const parts = [el("p", {}, EVERYBODY), box.element, code, note].filter(Boolean);
  openDialogWith("Share this session", parts, null, () => true);
  box.show(sessionLink(session.id));
}

function openWithTokens(session, [box, code, note]) {
  const { participants } = session.state;
  const names = namesOf(session.state);
  const kinds = [
    { title: "Watch", right: "watch", holder: { role: "spectator" } },
    ...participants.map(({ participant_id: id }) => ({
      title: `Take part as ${names.participant(id)}`,
      right: `take part as ${names.participant(id)}`,
      holder: { role: "participant", participant_id: id },
    })),
    { title: "Host", right: "do everything with this session", holder: { role: "cohost" } },
  ];
  const kind = field("Link to", select(kinds.map(({ title }, place) => [String(place), title])));
  const lifetime = field("Works for", select(LIFETIMES));
  lifetime.value = USUAL_LIFETIME;
  const words = el("p", { role: "status" });
  const row = el("div", { class: "share-row" }, kind.element, lifetime.element);
  const parts = [row, box.element, words, code, note].filter(Boolean);
  const made = new Map();
  let wanted = "";

  /** Make the chosen link, or show it again if it was made before. */
  async function update() {
    const key = `${kind.value} ${lifetime.value}`;
    const { right, holder } = kinds[Number(kind.value)];
    wanted = key;
    box.clear();
    try {
      const issued =
        made.get(key) ?? (await session.createToken({ ...holder, lifetime_ms: Number(lifetime.value) }));
      made.set(key, issued);
      if (key !== wanted) return; // another link was chosen meanwhile
      const until = dayAndTime(issued.expires_at);
      setText(words, `Anyone with this link can ${right} until ${until}. You can’t withdraw it.`);
      box.show(sessionLink(session.id, issued.token));
    } catch (error) {
      if (key === wanted) setText(words, sharingErrorText(error));
    }
  }

  for (const { control } of [kind, lifetime]) control.addEventListener("change", update);
  openDialogWith("Share this session", parts, null, () => true);
  update();
}
