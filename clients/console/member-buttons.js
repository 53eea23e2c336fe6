import { el, setText } from "./dom.js";

/** A button per team member. Buttons are kept across states, so that the focus isn't lost. */
export function memberButtons(onMember) {
  const element = el("div", { class: "face-members" });
  const buttons = new Map();

  function update(members) {
    for (const [id, button] of buttons) {
      if (members.some((member) => member.id === id)) continue;
      button.remove();
      buttons.delete(id);
    }
    for (const member of members) {
      if (!buttons.has(member.id)) add(member);
      setText(buttons.get(member.id), member.name);
      buttons.get(member.id).setAttribute("aria-pressed", String(member.isActive));
    }
  }

  function add({ id }) {
    const button = el("button", { type: "button", class: "member" });
    button.addEventListener("click", () => onMember(id));
    buttons.set(id, button);
    element.append(button);
  }

  return { element, update };
}
