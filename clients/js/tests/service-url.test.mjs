/** The service's URL, which a client checks when it is made. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { SyncKairos } from "../synckairos.js";
import { Api } from "../api.js";

afterEach(() => delete globalThis.location);

for (const [baseUrl, reason] of [
  [undefined, /such as https:.*no page/],
  ["", /such as https:.*no page/],
  ["/sync", /not "\/sync"/],
  ["timers.example", /not "timers.example"/],
  ["localhost:3000", /not "localhost:3000"/],
  ["ws://timers.example", /not "ws:/],
  ["https://a:b@timers.example", /password/],
  ["https://timers.example?x=1", /query/],
  ["https://timers.example/#x", /fragment/],
]) {
  test(`a client can't be made with the URL ${baseUrl}`, () => {
    assert.throws(() => new SyncKairos({ baseUrl }), { name: "TypeError", message: reason });
  });
}

for (const [baseUrl, expected] of [
  ["", "https://page.example:8443"],
  ["/sync/", "https://page.example:8443/sync"],
  ["http://timers.example/sync/", "http://timers.example/sync"],
]) {
  test(`on a page, the URL "${baseUrl}" is ${expected}`, () => {
    globalThis.location = { origin: "https://page.example:8443" };
    assert.equal(new Api({ baseUrl }).baseUrl, expected);
  });
}

test("a page of another origin learns that CORS may be the reason", async () => {
  globalThis.location = { origin: "https://page.example" };
  const fetch = () => Promise.reject(new TypeError("Failed to fetch"));
  const client = (baseUrl) => new SyncKairos({ baseUrl, fetch });
  await assert.rejects(client("https://timers.example").time(), {
    message: /timers.example: Failed to fetch\. .*CORS_ORIGINS must list https:\/\/page.example$/,
  });
  await assert.rejects(client("").time(), { message: /page.example: Failed to fetch$/ });
});
