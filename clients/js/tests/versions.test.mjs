/** Which versions of a session are missing. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { MAX_MISSING } from "../timing.js";
import { Versions } from "../versions.js";
import { chess } from "./states.mjs";

/** Versions of a session whose state at version 1 was accepted. */
function versions() {
  const made = new Versions();
  made.accept(chess({ version: 1 }));
  return made;
}

function push(made, version) {
  const state = chess({ version });
  made.place(state);
  made.accept(state);
}

test("the newest missing versions are remembered, up to a maximum", () => {
  const made = versions();
  const newest = 2 * MAX_MISSING;
  push(made, newest);
  for (let late = newest - MAX_MISSING; late < newest; late++) {
    assert.equal(made.isWhole, false);
    made.place(chess({ version: late }));
  }
  assert.equal(made.isWhole, true);
});

test("the maximum counts the versions of all gaps", () => {
  const made = versions();
  push(made, MAX_MISSING);
  push(made, 2 * MAX_MISSING);
  const kept = Array.from({ length: MAX_MISSING + 1 }, (_, index) => MAX_MISSING + index);
  for (const version of kept.slice(1, -1)) made.place(chess({ version }));
  assert.equal(made.isWhole, false, "one version of the first gap is still missing");
  made.place(chess({ version: MAX_MISSING - 1 }));
  assert.equal(made.isWhole, true);
});
