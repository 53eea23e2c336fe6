import { el, setText } from "./dom.js";
import { signed } from "./format.js";
import { problemInWords } from "./wording.js";

const NAMES = ["transport", "version", "offset", "trip", "bound"];
const WORDS = {
  live: "Live",
  polling: "Polling",
  connecting: "Reconnecting",
  closed: "Closed",
};
const TRANSPORTS = {
  supabase: "Supabase Realtime",
  websocket: "WebSocket",
  sse: "Server-sent events",
  polling: "HTTP polling",
};
const POLLING = "No live connection can be had at present, so this page asks again and again.";

/** How this page is connected, and how far its clock can be trusted. */
export function syncBadge(session) {
  const connection = el("span", { class: "connection" });
  const value = (name) => el("dd", { data: { sync: name } });
  const [transport, version, offset, trip, bound] = NAMES.map(value);
  const pair = (term, definition) => el("div", {}, el("dt", {}, term), definition);
  const element = el(
    "div",
    { class: "sync" },
    connection,
    el(
      "dl",
      {},
      pair("via", transport),
      pair("version", version),
      pair("offset", offset),
      pair("round trip", trip),
      pair("error", bound),
    ),
  );
  const { clock } = session;
  let wasInStep = false;

  function draw() {
    const { status, transport: via } = session.connection;
    const isPolling = status === "polling";
    wasInStep ||= isPolling || status === "live";
    element.dataset.connection = status;
    setText(connection, status === "connecting" && !wasInStep ? "Connecting" : WORDS[status]);
    if (session.problem) connection.title = problemInWords(session.problem).join(": ");
    else connection.title = isPolling ? POLLING : "";
    setText(transport, TRANSPORTS[via] ?? "–");
    setText(version, session.state ? String(session.state.version) : "–");
    const isKnown = clock.isSynced && Number.isFinite(clock.errorMs);
    setText(offset, isKnown ? signed(clock.offsetMs) : "syncing");
    setText(trip, isKnown ? `${clock.roundTripMs.toFixed(1)} ms` : "–");
    setText(bound, isKnown ? `±${clock.errorMs.toFixed(1)} ms` : "–");
  }

  return { element, draw };
}
