import { storeJson, storedJson } from "./storage.js";

/**
 * Which of two clocks is on the left of this browser's page, so that each player has the clock at
 * their own side of the table. The others who follow the session see it as they want.
 */
const KEY = "synckairos.swapped";
const MOST_KEPT = 50;

/** Whether the two clocks of a session have changed places. @param {string} id of the session */
export function areSwapped(id) {
  return swappedIds().includes(id);
}

/** Let the two clocks of a session change places. */
export function swapSeats(id) {
  const others = swappedIds().filter((one) => one !== id);
  const ids = areSwapped(id) ? others : [...others, id];
  storeJson("localStorage", KEY, ids.slice(-MOST_KEPT));
}

/** Two things in the order of their clocks on the page. More or fewer are returned as they are. */
export function seated(two, id) {
  return two.length === 2 && areSwapped(id) ? two.toReversed() : two;
}

/** Leave the players of a rematch at their sides, although the other one begins. */
export function keepSeats({ session_id: id, sync_mode: mode, participants }, nextId) {
  const isTurned = mode === "per_participant" && participants.length === 2;
  if (areSwapped(id) !== isTurned) swapSeats(nextId);
}

function swappedIds() {
  return storedJson("localStorage", KEY, []);
}
