import { el, setText } from "./dom.js";

/** A button for each bidder, for hosts. They are kept across states, so that the focus isn't lost. */
export function bidderButtons(onBid) {
  const element = el(
    "div",
    { class: "bidders", role: "group", "aria-label": "Bid by" },
    el("p", { class: "bidders-label", "aria-hidden": "true" }, "Bid by"),
  );
  const buttons = new Map();

  /** `hasBid`: someone has bid; the participant with the highest bid can't outbid itself. */
  function update(state, names, allowed, hasBid) {
    element.hidden = !(allowed.manage && allowed.switch && state.participants.length > 0);
    for (const [id, button] of buttons) {
      if (names.knows(id)) continue;
      button.remove();
      buttons.delete(id);
    }
    for (const { participant_id: id, is_active: isActive } of state.participants) {
      if (!buttons.has(id)) buttons.set(id, add(id));
      setText(buttons.get(id), names.participant(id));
      buttons.get(id).disabled = isActive && hasBid;
    }
  }

  function add(id) {
    const properties = { type: "button", class: "primary bidder", onclick: () => onBid(id) };
    const button = el("button", properties);
    element.append(button);
    return button;
  }

  return { element, update };
}
