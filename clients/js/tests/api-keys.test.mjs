/** API keys of a tenant, and revocations of tokens. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { serviceWith } from "./service.mjs";

const PATH = "/v1/api-keys";
const KEY = { key_id: "k1", name: "Match server", role: "service" };

test("an API key is created, listed and revoked", async () => {
  const { service, client, asked } = serviceWith({ ...KEY, key: "sk_x", api_keys: [KEY] });
  const options = { name: "Match server", role: "service" };
  assert.equal((await client.apiKeys.create(options)).key, "sk_x");
  assert.deepEqual(service.requests[0].body, options);
  assert.deepEqual(await client.apiKeys.list(), [KEY]);
  await client.apiKeys.revoke("k1");
  assert.deepEqual(asked(), [`POST ${PATH}`, `GET ${PATH}`, `DELETE ${PATH}/k1`]);
});

test("one token of a session is revoked, or all", async () => {
  const { client, asked } = serviceWith({});
  const session = client.session("5a7f9a52-6a2c-4d0c-9a38-0f1f4c3b7d10");
  await session.revokeToken("t1");
  await session.revokeTokens();
  const tokens = `/v1/sessions/${session.id}/tokens`;
  assert.deepEqual(asked(), [`DELETE ${tokens}/t1`, `DELETE ${tokens}`]);
});
