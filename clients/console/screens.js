import { el, setText } from "./dom.js";

const WITHIN_MS = "40";
const WITH_PRESENCE = ["websocket", "sse", "supabase"];

/**
 * For hosts: how many of the connected screens show the time to within 40 ms (docs/presence.md). It is
 * hidden while the presence is unknown or this page isn't counted yet.
 */
export function screens(session) {
  const value = el("dd", { data: { sync: "screens" } });
  const element = el("div", { hidden: true }, el("dt", {}, "screens"), value);
  let summary = null;

  session.addEventListener("presence", ({ detail }) => {
    summary = detail.summary;
    draw();
  });

  function draw() {
    const { status, transport } = session.connection;
    if (status !== "live" || !WITH_PRESENCE.includes(transport)) summary = null;
    element.hidden = !summary?.connected;
    if (element.hidden) return;
    const { connected, measured, within_ms: within } = summary;
    setText(value, `${within[WITHIN_MS]} of ${connected} within ${WITHIN_MS} ms`);
    element.title = measured < connected ? unmeasured(connected - measured) : "";
  }

  return { element, draw };
}

function unmeasured(count) {
  const who = count === 1 ? "One screen hasn’t" : `${count} screens haven’t`;
  return `${who} measured the server’s time yet.`;
}
