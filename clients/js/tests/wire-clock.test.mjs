/** The formula of the clocks on the wire: the vectors that both client libraries share. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { shown } from "../synckairos.js";

const { vectors } = JSON.parse(
  readFileSync(new URL("../../conformance/clocks.json", import.meta.url)),
);

for (const { clock, server_time_ms, shown: instants } of vectors) {
  test(`the clock ${JSON.stringify(clock)}`, () => {
    for (const [at, value] of instants) {
      assert.equal(shown(clock, server_time_ms, at), value, `at ${at}`);
    }
  });
}
