/**
 * Differences of states: the vectors that both client libraries share, or those of the file that
 * `VECTORS` names.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { applyDifference } from "../state-difference.js";

const file = process.env.VECTORS ?? new URL("../../conformance/differences.json", import.meta.url);

test("a difference makes the state of each vector", () => {
  const { vectors } = JSON.parse(readFileSync(file));
  assert.ok(vectors.length > 0);
  for (const { held, difference, state } of vectors) {
    assert.deepEqual(applyDifference(held, difference), state);
  }
});
