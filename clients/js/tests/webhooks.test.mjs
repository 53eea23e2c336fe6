/** Webhooks of a tenant. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { serviceWith } from "./service.mjs";

const PATH = "/v1/webhooks";
const HOOK = { webhook_id: "h1", url: "https://example.com", events: ["*"], is_on: true };

test("a webhook is created with its URL and events", async () => {
  const { service, client, asked } = serviceWith({ ...HOOK, secret: "whsec_x" });
  assert.equal((await client.webhooks.create(HOOK.url, ["time.expired"])).secret, "whsec_x");
  assert.deepEqual(asked(), [`POST ${PATH}`]);
  assert.deepEqual(service.requests[0].body, { url: HOOK.url, events: ["time.expired"] });
});

test("webhooks are listed", async () => {
  const { client, asked } = serviceWith({ webhooks: [HOOK] });
  assert.deepEqual(await client.webhooks.list(), [HOOK]);
  assert.deepEqual(asked(), [`GET ${PATH}`]);
});

test("a webhook gets a new secret, a test and an end", async () => {
  const { client, asked } = serviceWith({ secret: "whsec_y", outcome: "delivered" });
  assert.equal((await client.webhooks.rotate("h1")).secret, "whsec_y");
  assert.equal((await client.webhooks.test("h1")).outcome, "delivered");
  await client.webhooks.delete("h1");
  const actions = [`POST ${PATH}/h1/rotate`, `POST ${PATH}/h1/test`, `DELETE ${PATH}/h1`];
  assert.deepEqual(asked(), actions);
});

test("deliveries are read in pages", async () => {
  const page = { deliveries: [], next: "2-0-0" };
  const { client, asked } = serviceWith(page);
  assert.deepEqual(await client.webhooks.deliveries("h1"), page);
  await client.webhooks.deliveries("h1", { after: page.next, limit: 5 });
  assert.deepEqual(asked(), [
    `GET ${PATH}/h1/deliveries?limit=100`,
    `GET ${PATH}/h1/deliveries?limit=5&after=2-0-0`,
  ]);
});
