import { el, setText } from "./dom.js";
import { joinErrorText } from "./error-texts.js";
import { field, textInput } from "./field.js";
import { fragmentOf, sessionLink } from "./session-link.js";

const MAX_TYPED = 12; // with spaces or hyphens
const ALL_TAKEN = "Everyone in this session has joined already. Ask the host for a new code.";

/**
 * The page on which people type the code that a host shows them. A code for participants asks next
 * who they are. A code in the address (`/join#code=`), as in QR codes, is used at once.
 */
export function joinPage(page, client) {
  const problem = el("p", { class: "form-error", role: "alert" });
  const element = el("section", { class: "join" });
  let isBusy = false;

  function askForCode() {
    const code = field(
      "Code",
      textInput({
        class: "join-code-input",
        maxLength: MAX_TYPED,
        autocapitalize: "characters",
        enterKeyHint: "go",
        required: true,
      }),
      { hint: "Six letters, which the host shows you" },
    );
    const form = el(
      "form",
      { noValidate: true, onsubmit: (event) => (event.preventDefault(), join(code.value)) },
      code.element,
      el("button", { type: "submit", class: "primary big" }, "Join"),
    );
    code.control.addEventListener("input", () => setText(problem, ""));
    show("Join a session", problem, form);
    code.control.focus();
    return code;
  }

  function askWho(code, { participants, may_add: mayAdd }) {
    const people = participants.map(({ participant_id: participantId, name }) =>
      el(
        "button",
        { type: "button", class: "big", onclick: () => join(code, { participantId }) },
        name ?? participantId,
      ),
    );
    const parts = [el("div", { class: "join-people" }, ...people)];
    if (mayAdd) parts.push(newPerson(code, people.length > 0));
    else if (!people.length) parts.push(el("p", {}, ALL_TAKEN));
    const back = el("button", { type: "button", class: "quiet", onclick: restart }, "Another code");
    show("Who are you?", ...parts, problem, back);
  }

  function newPerson(code, isSecond) {
    const name = field(isSecond ? "Someone else" : "Your name", textInput({ maxLength: 60 }));
    const submit = (event) => {
      event.preventDefault();
      const given = name.value.trim();
      if (given) join(code, { name: given });
      else name.showError("Enter your name");
    };
    const button = el("button", { type: "submit", class: "primary big" }, "Join");
    return el("form", { noValidate: true, onsubmit: submit }, name.element, button);
  }

  async function join(code, who) {
    if (!lettersOf(code)) return setText(problem, "Enter the code that the host shows you.");
    if (isBusy) return;
    isBusy = true;
    setText(problem, "");
    try {
      const answer = await client.join(code, who);
      if (answer.participants) askWho(code, answer);
      else location.assign(sessionLink(answer.session_id, answer.token));
    } catch (error) {
      setText(problem, joinErrorText(error));
      if (error.status === 409) await offerRest(code);
    } finally {
      isBusy = false;
    }
  }

  /** Someone else was faster: show who is still free, under the message. */
  async function offerRest(code) {
    const answer = await client.join(code).catch(() => null);
    if (answer?.participants) askWho(code, answer);
  }

  function restart() {
    setText(problem, "");
    askForCode();
  }

  function show(title, ...parts) {
    element.replaceChildren(el("h1", {}, title), ...parts);
  }

  document.title = "Join · SyncKairos";
  document.body.dataset.view = "join";
  page.main.replaceChildren(element);
  const given = codeInAddress();
  const code = askForCode();
  if (given) {
    code.value = given;
    join(given);
  }
  return () => {};
}

/** Take the code out of the address, so that the browser's history doesn't keep it. */
function codeInAddress() {
  const code = fragmentOf().get("code");
  if (code) history.replaceState(history.state, "", location.pathname);
  return code;
}

function lettersOf(code) {
  return code.replace(/[\s-]/g, "");
}
