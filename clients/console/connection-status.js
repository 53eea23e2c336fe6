import { el, setText } from "./dom.js";
import { signed } from "./format.js";
import { problemText } from "./error-texts.js";
import { screens } from "./screens.js";

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
const POLLING = "There is no live connection right now, so this page asks the server regularly.";

/** The state of the connection, how exact the page's clock is, and for hosts the screens. */
export function connectionStatus(session) {
  const connection = el("span", { class: "connection" });
  const value = (name) => el("dd", { data: { sync: name } });
  const [transport, version, offset, trip, bound] = NAMES.map(value);
  const connected = screens(session);
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
      pair("accurate to", bound),
      connected.element,
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
    if (session.problem) connection.title = problemText(session.problem).join(": ");
    else connection.title = isPolling ? POLLING : "";
    setText(transport, TRANSPORTS[via] ?? "–");
    setText(version, session.state ? String(session.state.version) : "–");
    const isKnown = clock.isSynced && Number.isFinite(clock.errorMs);
    setText(offset, isKnown ? signed(clock.offsetMs) : "syncing");
    setText(trip, isKnown ? `${clock.roundTripMs.toFixed(1)} ms` : "–");
    setText(bound, isKnown ? `±${clock.errorMs.toFixed(1)} ms` : "–");
    connected.draw();
  }

  return { element, draw };
}
