/** Ids in paths: every method of the library that puts one there escapes and checks it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ID, serviceWith } from "./service.mjs";

const HOSTILE = "a/../b?c#d";
const ESCAPED = encodeURIComponent(HOSTILE);
const FIRST_IS_ID = /^(?:async )?\w+\((?:id|\w+Id)\b/;

/** Every method whose first parameter is an id, as [its name, the method]. */
function methodsWithId(client) {
  const objects = { session: client.session(ID), webhooks: client.webhooks, apiKeys: client.apiKeys };
  return Object.entries(objects).flatMap(([owner, object]) =>
    Object.getOwnPropertyNames(Object.getPrototypeOf(object))
      .filter((name) => typeof object[name] === "function" && name !== "constructor")
      .filter((name) => FIRST_IS_ID.test(object[name].toString()))
      .map((name) => [`${owner}.${name}`, (id) => object[name](id)]),
  );
}

/** The names of the methods that put the id `HOSTILE` into the path of their request. */
async function methodsWithIdInPath() {
  const { client, asked } = serviceWith({});
  const found = [];
  for (const [name, method] of methodsWithId(client)) {
    const before = asked().length;
    await Promise.resolve()
      .then(() => method(HOSTILE))
      .catch(() => {}); // the answer is none that the method understands
    const paths = asked().slice(before);
    assert.ok(!paths.some((path) => path.includes(HOSTILE)), `${name}: ${paths}`);
    if (paths.some((path) => path.includes(ESCAPED))) found.push(name);
  }
  return found;
}

test("each id in a path is one escaped segment", async () => {
  assert.deepEqual((await methodsWithIdInPath()).sort(), [
    "apiKeys.revoke",
    "session.adjust",
    "session.finish",
    "session.forfeit",
    "session.pauseParticipant",
    "session.removeParticipant",
    "session.reopen",
    "session.resumeParticipant",
    "session.revokeToken",
    "session.updateParticipant",
    "webhooks.delete",
    "webhooks.deliveries",
    "webhooks.rotate",
    "webhooks.test",
  ]);
});

test("an id that a URL would resolve makes no request", async () => {
  const inPath = await methodsWithIdInPath();
  const { client, asked } = serviceWith({});
  for (const [name, method] of methodsWithId(client)) {
    if (!inPath.includes(name)) continue;
    for (const id of ["", ".", ".."]) await assert.rejects(async () => method(id), TypeError, name);
  }
  for (const id of ["", ".", ".."]) assert.throws(() => client.session(id), TypeError);
  assert.deepEqual(asked(), []);
});
