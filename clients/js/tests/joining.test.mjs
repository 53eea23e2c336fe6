/** Join codes. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { serviceWith } from "./service.mjs";

const ID = "5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10";
const PATH = `/v1/sessions/${ID}/join-code`;

test("a code is opened, shown and closed", async () => {
  const { service, client, asked } = serviceWith({ code: "BCDFGH", uses: 0 });
  const session = client.session(ID);
  assert.equal((await session.openJoinCode({ role: "spectator" })).code, "BCDFGH");
  assert.equal((await session.joinCode()).uses, 0);
  await session.closeJoinCode();
  assert.deepEqual(asked(), [`POST ${PATH}`, `GET ${PATH}`, `DELETE ${PATH}`]);
  assert.deepEqual(service.requests[0].body, { role: "spectator" });
});

test("someone joins with a code, as a participant or with a name", async () => {
  const { service, client, asked } = serviceWith({ session_id: ID, role: "participant" });
  await client.join("bcd fgh");
  await client.join("bcd fgh", { participantId: "ada" });
  assert.equal((await client.join("bcd fgh", { name: "Cleo" })).session_id, ID);
  assert.deepEqual(asked(), Array(3).fill("POST /v1/join"));
  assert.deepEqual(
    service.requests.map(({ body }) => body),
    [
      { code: "bcd fgh" },
      { code: "bcd fgh", participant_id: "ada" },
      { code: "bcd fgh", name: "Cleo" },
    ],
  );
});
