import { count, duration } from "./format.js";

const [SECOND, MINUTE, HOUR, DAY] = [1000, 60_000, 3_600_000, 86_400_000];

/**
 * A time control as sentences. Without a bank, its overtime is the only time that there is.
 *
 * @param {import("/clients/js/synckairos.js").TimeControl} control
 * @param {{hasBank?: boolean}} [options]
 */
export function controlText(control, { hasBank = true } = {}) {
  const sentences = [
    gainText(control),
    control.max_bank_ms && `A clock never has more than ${span(control.max_bank_ms)}.`,
    ...(control.stages ?? []).map(stageText),
    control.overtime && overtimeText(control.overtime, hasBank),
    control.hourglass && "The time that one side uses goes to the other side.",
    control.start_on === "first_turn" && startText(control),
  ].filter(Boolean);
  return sentences.join(" ") || "Nothing is added to the clocks.";
}

function gainText({ delay_ms: delay, give_back_ms: back, increment_ms: increment, first_turn }) {
  if (delay) return `The clock waits ${span(delay)} at the start of each turn.`;
  if (back) return `Each turn gives back the time that it took, but at most ${span(back)}.`;
  if (!increment) return "";
  const added = `Each turn adds ${span(increment)}.`;
  return first_turn ? `${added} The start adds ${span(increment)}, too.` : added;
}

function stageText({ after_turns: turns, add_ms: added, increment_ms: increment }) {
  const parts = [
    added && `a clock gets ${span(added)} more`,
    increment !== undefined && `each turn adds ${span(increment)}`,
  ];
  return `After turn ${turns}, ${parts.filter(Boolean).join(", and ")}.`;
}

function overtimeText({ period_ms: period, periods, turns, extra_ms: extra }, hasBank) {
  const after = (words) => (hasBank ? `When this time is used up, ${words}` : upper(words));
  if (extra) return after(`a clock has ${span(extra)} more, shown below zero.`);
  if (turns) return after(`a clock has ${span(period)} for ${turns} turns, again and again.`);
  if (periods === 1) return after(`each turn has ${span(period)}.`);
  const rule = "A turn that ends within a period costs no period.";
  return `${after(`a clock has ${periods} periods of ${span(period)}.`)} ${rule}`;
}

function startText({ first_turn_within_ms: within }) {
  const start = "The clocks stand still until the first switch.";
  return within ? `${start} The session is cancelled if there is none in ${span(within)}.` : start;
}

/** A length of time in its largest unit: 30 s, 5 minutes, 3 days. */
function span(ms) {
  if (ms >= DAY && ms % DAY === 0) return count(ms / DAY, "day");
  if (ms >= HOUR && ms % HOUR === 0) return count(ms / HOUR, "hour");
  if (ms > MINUTE && ms % MINUTE === 0) return count(ms / MINUTE, "minute");
  return ms <= MINUTE ? `${ms / SECOND} s` : duration(ms);
}

function upper(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
