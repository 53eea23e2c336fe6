/** The JavaScript client as a program: JSON lines in, JSON lines out (see `test_conformance.py`). */

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

import { SyncKairos } from "../../clients/js/synckairos.js";

const library = createRequire(new URL("../../clients/js/package.json", import.meta.url));
const EVENTS = ["update", "expired", "warning", "deleted", "connection"];

const client = new SyncKairos({ ...JSON.parse(process.argv[2]), WebSocket: library("ws") });

async function obey(message) {
  if (message.open) return open(client.session(message.open));
  const session = client.session(message.session);
  if (message.report) return say({ session: session.id, report: report(session) });
  return act(session, message.do, message.args ?? {});
}

async function open(session) {
  for (const name of EVENTS) {
    session.addEventListener(name, ({ detail }) => tell(session, name, detail));
  }
  try {
    const state = await session.open();
    say({ opened: session.id, version: state?.version ?? null });
  } catch ({ status, code }) {
    say({ refused: session.id, status, code });
  }
}

async function act(session, verb, args) {
  const isAdjusting = verb === "adjust";
  const given = isAdjusting
    ? [args.participant, args.totalTimeMs]
    : verb === "switch"
      ? [args]
      : [];
  try {
    const answer = await session[verb](...given);
    say({ session: session.id, done: verb, version: answer?.version ?? null });
  } catch ({ code }) {
    say({ session: session.id, failed: verb, code });
  }
}

function report(session) {
  const { state, presence, connection, clock } = session;
  const now = clock.now();
  const people = state?.participants.map((one) => one.participant_id) ?? [];
  return {
    version: state?.version ?? null,
    status: state?.status ?? null,
    createdAt: state?.created_at ?? null,
    presence,
    connection: { status: connection.status, transport: connection.transport },
    now,
    errorMs: finite(clock.errorMs),
    remaining: Object.fromEntries(people.map((id) => [id, session.remaining(id, now)])),
    running: session.remaining(null, now),
  };
}

function tell(session, event, detail) {
  const { clock } = client;
  const errorMs = finite(clock.errorMs);
  say({ session: session.id, event, at: clock.now(), errorMs, detail: DETAILS[event](detail) });
}

const DETAILS = {
  update: ({ state, isNext, cause, source }) => ({ version: state.version, isNext, cause, source }),
  expired: ({ participantId, groupId, deadlineMs }) => ({ participantId, groupId, deadlineMs }),
  warning: ({ participantId, groupId, thresholdMs }) => ({ participantId, groupId, thresholdMs }),
  deleted: () => ({}),
  connection: ({ connection: { status, transport }, presence }) => ({
    status,
    transport,
    presence,
  }),
};

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** JSON has no word for infinity. */
function finite(number) {
  return Number.isFinite(number) ? number : null;
}

const lines = createInterface({ input: process.stdin });
say({ ready: true });
for await (const line of lines) {
  const message = JSON.parse(line);
  if (message.close) break;
  obey(message);
}
client.close();
process.exit(0);
