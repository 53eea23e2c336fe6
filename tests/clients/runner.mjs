/** Runs the JavaScript client: JSON lines in, JSON lines out (see `driving.py`). */

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

import { SyncKairos } from "../../clients/js/synckairos.js";

const library = createRequire(new URL("../../clients/js/package.json", import.meta.url));
const EVENTS = ["update", "expired", "warning", "period", "deleted", "connection", "presence"];

const client = new SyncKairos({ ...JSON.parse(process.argv[2]), WebSocket: library("ws") });

async function execute(message) {
  if (message.open) return open(client.session(message.open), message.presence);
  const session = client.session(message.session);
  if (message.report) return writeLine({ session: session.id, report: report(session) });
  return act(session, message.do, message.args ?? {});
}

async function open(session, presence) {
  for (const name of EVENTS) {
    session.addEventListener(name, ({ detail }) => writeEvent(session, name, detail));
  }
  try {
    const state = await session.open({ presence });
    writeLine({ opened: session.id, version: state?.version ?? null });
  } catch ({ status, code }) {
    writeLine({ refused: session.id, status, code });
  }
}

async function act(session, verb, args) {
  const argsOf = {
    adjust: () => [args.participant, args.totalTimeMs],
    switch: () => [args],
    advance: () => [args],
    go: () => [args.itemId],
  };
  const actionArgs = argsOf[verb]?.() ?? [];
  try {
    const result = await session[verb](...actionArgs);
    writeLine({ session: session.id, done: verb, version: result?.version ?? null });
  } catch ({ code }) {
    writeLine({ session: session.id, failed: verb, code });
  }
}

function report(session) {
  const { state, existence, connection, clock } = session;
  const now = clock.now();
  const participantIds = state?.participants.map((one) => one.participant_id) ?? [];
  return {
    version: state?.version ?? null,
    status: state?.status ?? null,
    createdAt: state?.created_at ?? null,
    existence,
    connection: { status: connection.status, transport: connection.transport },
    now,
    errorMs: finite(clock.errorMs),
    remaining: Object.fromEntries(participantIds.map((id) => [id, session.remaining(id, now)])),
    running: session.remaining(null, now),
  };
}

function writeEvent(session, event, detail) {
  const { clock } = client;
  const errorMs = finite(clock.errorMs);
  const fields = { at: clock.now(), errorMs, detail: DETAILS[event](detail) };
  writeLine({ session: session.id, event, ...fields });
}

const DETAILS = {
  update: ({ state, isNext, cause, source }) => ({ version: state.version, isNext, cause, source }),
  expired: ({ participant_id, group_id, deadline_ms }) => ({ participant_id, group_id, deadline_ms }),
  warning: ({ participant_id, group_id, threshold_ms }) => ({ participant_id, group_id, threshold_ms }),
  period: ({ participant_id, group_id, periods_left }) => ({ participant_id, group_id, periods_left }),
  deleted: () => ({}),
  presence: ({ summary: { roles } }) => ({ roles }),
  connection: ({ connection: { status, transport }, existence }) => ({
    status,
    transport,
    existence,
  }),
};

function writeLine(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** JSON can't represent infinity. */
function finite(number) {
  return Number.isFinite(number) ? number : null;
}

const lines = createInterface({ input: process.stdin });
writeLine({ ready: true });
for await (const line of lines) {
  const message = JSON.parse(line);
  if (message.close) break;
  execute(message);
}
client.close();
process.exit(0);
