import { el, setText } from "./dom.js";
import { personTag } from "./person-tag.js";

/** A tag per team member. Tags are kept across states, so that the focus isn't lost. */
export function memberButtons(onMember) {
  const element = el("div", { class: "face-members" });
  const members = new Map();

  function update(present, allowed) {
    for (const [id, { tag }] of members) {
      if (present.some((member) => member.id === id)) continue;
      tag.element().remove();
      members.delete(id);
    }
    for (const { id, name, isActive, isRetired } of present) {
      if (!members.has(id)) add(id);
      const member = members.get(id);
      setText(member.name, isRetired ? `${name} (retired)` : name);
      member.tag.update({ mayPick: allowed.switchTo(id), isCurrent: isActive });
    }
  }

  function add(id) {
    const name = el("span", { dir: "auto" });
    const tag = personTag("member", () => onMember(id), name);
    members.set(id, { name, tag });
    element.append(tag.element());
  }

  return { element, update };
}
