/** The result of a game that ends before a clock does, as `metadata.result` has it. */

const SIDES = {
  per_participant: ({ participants }, names) =>
    participants.map(({ participant_id: id }) => [id, names.participant(id)]),
  per_group: ({ groups }, names) => groups.map(({ group_id: id }) => [id, names.group(id)]),
};

/**
 * The participants or teams that can win: each has a clock of its own.
 *
 * @returns {[string, string][]} ids and names; empty if less than two can win
 */
export function sidesOfGame(state, names) {
  const sides = SIDES[state.sync_mode]?.(state, names) ?? [];
  return sides.length > 1 ? sides : [];
}

/**
 * Whether the session is a game with chess clocks, in which a flag falls: one of two sides loses on
 * time. In all others, such as a meeting or a debate, time is up.
 */
export function losesByFlag({ sync_mode: mode, participants, groups, action_on_timeout: action }) {
  const sides = { per_participant: participants, per_group: groups }[mode];
  return sides?.length === 2 && action.winner_by === "time";
}

/**
 * The result of a completed session. Applications may store anything in the metadata, so what isn't
 * a result is no result.
 *
 * @returns {?{winner: ?string, by: string}} `winner` is null for a draw; `by` may be empty
 */
export function resultOf({ status, metadata }) {
  const { winner, by } = metadata?.result ?? {};
  const isResult = status === "completed" && (winner === null || typeof winner === "string");
  return isResult ? { winner, by: typeof by === "string" ? by : "" } : null;
}

/** The result as a sentence; empty without one. */
export function resultText(state, names) {
  const result = resultOf(state);
  if (!result) return "";
  const winner = sidesOfGame(state, names).find(([id]) => id === result.winner);
  if (result.winner !== null && !winner) return "";
  const how = result.by ? ` by ${result.by}` : "";
  return winner ? `${winner[1]} wins${how}.` : `Draw${how}.`;
}
