/**
 * The modes: names, descriptions, the settings that each uses (`fields`), and presets. Values
 * of presets are in the form that users type. A preset may replace `fields` and `timeLabel` of its
 * mode, name the time of a turn (`cycleLabel`), and say what the session is for (`purpose`, see
 * `purposes.js`). With `mayJoin`, people can join later with a code; with `mayBeEmpty`, a session
 * can be created without anybody.
 */

const BLITZ = {
  title: "Blitz 3+2",
  names: ["Ada", "Ben"],
  time: "3:00",
  increment: "2",
  action: "end_session",
  warnings: "0:20, 0:10",
};

export const MODES = [
  {
    mode: "per_participant",
    name: "One clock per person",
    sentence: "Everyone has their own clock, which runs only during their turn.",
    timeLabel: "Time on each clock",
    fields: ["time", "own", "increment", "action", "advance", "warnings"],
    presets: [
      BLITZ,
      { ...BLITZ, title: "Rapid 10+5", time: "10:00", increment: "5", warnings: "0:30, 0:10" },
      { ...BLITZ, title: "Bullet 1+0", time: "1:00", increment: "0", warnings: "0:10" },
      {
        title: "Board game night",
        names: ["Ada", "Ben", "Cleo", "Dan"],
        time: "15:00",
        increment: "0",
        action: "skip_cycle",
        warnings: "1:00, 0:10",
      },
    ],
  },
  {
    mode: "per_cycle",
    name: "Fixed time per turn",
    sentence: "Every turn starts with the full time, no matter how long the last one took.",
    timeLabel: "Time per turn",
    fields: ["time", "own", "action", "advance", "warnings"],
    presets: [
      {
        title: "Poker turn",
        names: ["Ada", "Ben", "Cleo", "Dan"],
        time: "0:30",
        action: "auto_action",
        play: "fold",
        warnings: "0:10",
      },
      {
        title: "Debate",
        names: ["In favour", "Against"],
        time: "2:00",
        action: "skip_cycle",
        warnings: "0:30, 0:10",
      },
      {
        title: "Stand-up",
        names: ["Ada", "Ben", "Cleo"],
        time: "1:30",
        action: "notify",
        warnings: "0:15",
      },
    ],
  },
  {
    mode: "per_group",
    name: "One clock per team",
    sentence: "The members of a team share one clock, which runs during their turns.",
    timeLabel: "Time per team",
    fields: ["time", "teams", "increment", "action", "advance", "warnings"],
    presets: [
      {
        title: "Team relay",
        names: ["Ada", "Ben", "Cleo", "Dan"],
        teams: [0, 1, 0, 1],
        time: "5:00",
        increment: "0",
        action: "end_session",
        warnings: "0:30, 0:10",
      },
      {
        title: "Three teams",
        names: ["Ada", "Ben", "Cleo", "Dan", "Eve", "Finn"],
        teams: [0, 1, 2, 0, 1, 2],
        time: "3:00",
        increment: "3",
        action: "skip_cycle",
        warnings: "0:20",
      },
    ],
  },
  {
    mode: "global",
    name: "One clock for all",
    mayJoin: true,
    mayBeEmpty: true,
    sentence: "A single clock runs for everyone, no matter whose turn it is.",
    timeLabel: "Total time",
    fields: ["time", "cycle", "action", "advance", "warnings"],
    presets: [
      {
        title: "Team quiz",
        names: ["Team Ada", "Team Ben", "Team Cleo"],
        time: "10:00",
        cycle: "0:30",
        action: "skip_cycle",
        warnings: "0:10",
      },
      { title: "Exam, one clock", names: [], time: "1:00:00", cycle: "", warnings: "10:00, 1:00" },
      {
        title: "Quiz",
        purpose: "quiz",
        names: [],
        hasPeople: false,
        fields: ["questions", "cycle", "warnings"],
        questions: "10",
        cycleLabel: "Time per question",
        cycle: "0:30",
        warnings: "0:10",
      },
      {
        title: "Meeting",
        purpose: "meeting",
        names: [],
        hasPeople: false,
        fields: ["agenda", "warnings"],
        agenda: [
          ["Welcome", "5:00"],
          ["Numbers", "10:00"],
          ["Decisions", "15:00"],
        ],
        warnings: "1:00",
      },
      {
        title: "Auction",
        purpose: "auction",
        names: [],
        fields: ["time", "window", "extension", "warnings"],
        timeLabel: "Open for",
        time: "10:00",
        window: "2:00",
        extension: "2:00",
        warnings: "0:30, 0:10",
      },
    ],
  },
  {
    mode: "individual",
    name: "All clocks at once",
    mayJoin: true,
    sentence: "Everyone has their own clock, and all of them run at the same time.",
    timeLabel: "Time for each",
    fields: ["time", "extra", "begins", "closes", "grace", "warnings"],
    presets: [
      {
        title: "Exam",
        purpose: "exam",
        names: ["Ada", "Ben", "Cleo", "Dan"],
        time: "1:00:00",
        begins: "together",
        warnings: "5:00",
      },
      {
        title: "Quiz",
        purpose: "quiz_answers",
        names: ["Ada", "Ben", "Cleo", "Dan"],
        timeLabel: "Time for each question",
        fields: ["time", "questions", "warnings"],
        time: "0:30",
        questions: "10",
        warnings: "0:10",
      },
      { title: "Race", purpose: "race", names: ["Ada", "Ben", "Cleo", "Dan"], fields: [] },
    ],
  },
  {
    mode: "count_up",
    name: "Counting up",
    mayJoin: true,
    mayBeEmpty: true,
    sentence: "Time counts up from zero, and every switch records a lap.",
    timeLabel: "Stop at",
    fields: ["ceiling", "warnings"],
    presets: [
      { title: "Speedrun", names: ["Runner"], ceiling: "" },
      { title: "Relay run", names: ["Ada", "Ben", "Cleo"], ceiling: "30:00", warnings: "1:00" },
    ],
  },
];

export const TEAMS = ["Red", "Blue", "Green", "Gold"];

export const ACTIONS = [
  ["notify", "Stop at zero until someone ends the turn"],
  ["skip_cycle", "Start the next turn"],
  ["auto_action", "Play a move and start the next turn"],
  ["end_session", "End the session"],
];

export const BEGINS = [
  ["together", "All together, at the start"],
  ["each", "Each on their own"],
];

/** @param {string} mode */
export function modeOf(mode) {
  return MODES.find((candidate) => candidate.mode === mode);
}
