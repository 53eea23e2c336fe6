/** The JavaScript client uses the intervals and timeouts that both client libraries share. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as timing from "../timing.js";

const TABLE = new URL("../../conformance/timing.json", import.meta.url);

test("the constants equal the shared table", () => {
  const rows = JSON.parse(readFileSync(TABLE));
  assert.deepEqual({ ...timing }, Object.fromEntries(rows.map(({ name, value }) => [name, value])));
});
