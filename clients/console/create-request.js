import { TEAMS } from "./modes.js";
import { parseAllowance, NOT_AN_ALLOWANCE } from "./allowance.js";
import { nextTimeOfDay } from "./format.js";
import { NOT_A_TIME } from "./parse-time.js";
import { purposeSettings } from "./purpose-fields.js";
import { newId } from "/clients/js/synckairos.js";

/**
 * The form's content as the body of `POST /v1/sessions`. A field whose text isn't a time shows an
 * error.
 *
 * @returns {?object} null if any field has an error
 */
export function requestFrom(mode, people, fields, sessionId) {
  const invalid = [];
  const ms = (field) => {
    const { ms: value } = field;
    if (!Number.isNaN(value)) return value;
    invalid.push([field, NOT_A_TIME]);
    return undefined;
  };
  const body = {
    ...(sessionId && { session_id: sessionId }),
    sync_mode: mode.mode,
    ...(mode.mode === "individual"
      ? individualClocks(mode, people, fields, ms, invalid)
      : clocksOf(mode, people, fields, ms)),
    ...purposeSettings(mode, fields, ms, invalid),
    increment_ms: ms(fields.increment),
    time_control: fields.control.value,
    warn_at_ms: warningsOf(fields.warnings, invalid),
    auto_advance: (mode.fields.includes("advance") && fields.advance.control.checked) || undefined,
    action_on_timeout: mode.fields.includes("action") ? actionOf(mode, fields) : undefined,
  };
  body.metadata = {
    ...body.metadata,
    title: fields.title.value.trim() || mode.name,
    ...(mode.purpose && { purpose: mode.purpose }),
  };
  invalid.forEach(([field, words]) => field.showError(words));
  return invalid.length ? null : body;
}

function clocksOf(mode, people, fields, ms) {
  const shared = ms(fields.time);
  switch (mode.mode) {
    case "per_participant":
      return { participants: people.map((p) => withTime(p, ms(p.time) ?? shared)) };
    case "per_cycle":
      return turnsOf(people, shared, ms);
    case "per_group":
      return teamsOf(people, shared);
    case "global":
      return {
        participants: people.map(idAndName),
        total_time_ms: shared,
        time_per_cycle_ms: ms(fields.cycle),
      };
    default:
      return { participants: people.map(idAndName), max_time_ms: ms(fields.ceiling) };
  }
}

/** A race goes on until somebody ends it, so that the last finish can be undone, too. */
function individualClocks({ purpose }, people, fields, ms, invalid) {
  const allowance = ({ extra }) => {
    const parsed = parseAllowance(extra.value);
    if (!parsed) invalid.push([extra, NOT_AN_ALLOWANCE]);
    return parsed;
  };
  return {
    participants: people.map((p) => ({ ...idAndName(p), ...allowance(p) })),
    total_time_ms: ms(fields.time),
    begins: fields.begins.value || undefined,
    closes_at: nextTimeOfDay(fields.closes.value)?.toISOString(),
    grace_ms: ms(fields.grace),
    rounds: purpose === "race" || undefined,
  };
}

/** One turn length for all, unless a person has their own time. */
function turnsOf(people, shared, ms) {
  const own = people.map((p) => ms(p.time));
  if (own.every((time) => time === undefined)) {
    return { participants: people.map(idAndName), time_per_cycle_ms: shared };
  }
  return { participants: people.map((p, n) => withTime(p, own[n] ?? shared)) };
}

function teamsOf(people, shared) {
  const chosen = [...new Set(people.map((p) => p.team.value))];
  const teamIds = new Map(chosen.map((team) => [team, newId()]));
  people.forEach((p) => (p.groupId = teamIds.get(p.team.value)));
  return {
    participants: people.map((p) => ({ ...idAndName(p), group_id: p.groupId })),
    groups: [...teamIds].map(([team, group_id]) => ({
      group_id,
      total_time_ms: shared,
      name: TEAMS[Number(team)],
    })),
  };
}

function idAndName(person) {
  return { participant_id: person.id, name: person.label };
}

function withTime(person, total_time_ms) {
  return { ...idAndName(person), total_time_ms };
}

function warningsOf(field, invalid) {
  const { times } = field;
  if (times.some(Number.isNaN)) {
    invalid.push([field, "Enter times separated by commas, such as 0:20, 0:10"]);
  }
  return times.length ? times : undefined;
}

function actionOf(mode, fields) {
  const type = fields.action.value;
  const hasWinner = ["per_participant", "per_group"].includes(mode.mode);
  return {
    type,
    ...(type === "end_session" && hasWinner && { winner_by: "time" }),
    ...(type === "auto_action" && fields.play.value.trim() && { action: fields.play.value.trim() }),
  };
}
