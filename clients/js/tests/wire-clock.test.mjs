/**
 * The formula of the clocks on the wire: the vectors that both client libraries share, or those of
 * the file that `VECTORS` names.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { shown } from "../synckairos.js";

const file = process.env.VECTORS ?? new URL("../../conformance/clocks.json", import.meta.url);

test("a clock shows the value of each vector", () => {
  const { vectors } = JSON.parse(readFileSync(file));
  assert.ok(vectors.length > 0);
  for (const { clock, server_time_ms, shown: instants } of vectors) {
    for (const [at, value] of instants) {
      assert.equal(shown(clock, server_time_ms, at), value, `${JSON.stringify(clock)} at ${at}`);
    }
  }
});
