import { clockTile } from "./clock-tile.js";
import { connect } from "./connect.js";
import { distinct } from "./distinct.js";
import { el } from "./dom.js";
import { sessionLink } from "./session-link.js";

const MOST_CLOCKS = 4;
const NARROWEST_PX = 150;
const OPENED_AT_ONCE = 3; // a browser opens the sockets to a host one after the other
const BEST_SHAPE = 1.5; // width by height of a tile with two clocks

/**
 * The tiles of some sessions, in the grid in which they are largest. Sessions with the same token
 * share a client, and so its measurement of the server's clock; each has a connection of its own.
 *
 * @param {import("./board-address.js").BoardSession[]} sessions
 */
export function boardGrid(sessions) {
  const clients = new Map();
  const followed = sessions.map(({ id, token }) => {
    if (!clients.has(token)) clients.set(token, connect(token));
    return clients.get(token).session(id);
  });
  const links = sessions.map(linkTo);
  const tiles = followed.map((session, position) => {
    const words = links[position];
    const title = el("h2", { class: "tile-title", dir: "auto" }, words);
    return clockTile(session, { title, words, most: MOST_CLOCKS });
  });
  const waiting = [...tiles];
  const element = el("div", { class: "board" }, ...tiles.map((tile) => tile.element));
  const resizing = new ResizeObserver(() => {
    const columns = columnsFor(tiles.length, element.clientWidth, innerHeight - element.offsetTop);
    element.style.setProperty("--columns", String(columns));
  });
  resizing.observe(element);

  /** Show the links whose titles are known. Several sessions may have the same title. */
  function nameLinks() {
    const titles = links.map((link) => link.textContent);
    distinct(titles).forEach((name, position) => {
      const link = links[position];
      link.hidden = !titles[position];
      if (link.ariaLabel !== name) link.ariaLabel = name;
    });
  }

  return {
    element,
    draw: () => Math.min(...tiles.map((tile) => tile.draw())),
    /** Show the sessions' changes until `stop`; `onChange` is called after each. */
    follow(onChange) {
      const changed = () => (nameLinks(), onChange());
      const openNext = async () => {
        while (waiting.length) await waiting.shift().follow(changed);
      };
      for (let place = 0; place < OPENED_AT_ONCE; place++) openNext();
    },
    isAnyRunning: () => followed.some(({ state }) => state?.status === "running"),
    stop() {
      waiting.length = 0;
      resizing.disconnect();
      for (const tile of tiles) tile.stop();
      for (const client of clients.values()) client.close();
    },
  };
}

/** The link of a title to its session, which takes the token along. */
function linkTo({ id, token }) {
  return el("a", { href: sessionLink(id, token), target: "_blank", hidden: true });
}

/** The number of columns that gives the largest tiles of about the best shape. */
export function columnsFor(count, width, height) {
  const most = Math.max(1, Math.min(count, Math.floor(width / NARROWEST_PX)));
  const sizeWith = (columns) =>
    Math.min(width / columns / BEST_SHAPE, height / Math.ceil(count / columns));
  let best = 1;
  for (let columns = 2; columns <= most; columns++) {
    if (sizeWith(columns) > sizeWith(best)) best = columns;
  }
  return best;
}
