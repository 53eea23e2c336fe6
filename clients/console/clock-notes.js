import { losesByFlag } from "./game-result.js";

/** The few words beside a clock's name; empty for a clock that just runs or waits. */
export function noteOf(model, state, isFallen) {
  if (isFallen && state.overtime) return "Over time";
  if (isFallen) return losesByFlag(state) ? "Flag fallen" : "Time’s up";
  if (model.isWinner) return state.status === "completed" ? "Wins" : "Wins on time";
  if (model.isRetired) return "Retired";
  if (!model.isActive) return "";
  if (state.status === "pending") return model.isUpward ? "" : "Ready";
  return state.status === "paused" ? "Paused" : "";
}
