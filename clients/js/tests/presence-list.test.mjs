/** The presence that a client makes itself equals the shared examples. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { presenceOf } from "../presence-list.js";

const EXAMPLES = new URL("../../conformance/presence.json", import.meta.url);
const { now_ms: now, vectors } = JSON.parse(readFileSync(EXAMPLES, "utf8"));

for (const { about, shown, presence } of vectors) {
  test(about, () => assert.deepEqual(presenceOf({ id: "s", shown, now }), presence));
}
