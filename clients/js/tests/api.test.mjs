/** API calls: retries, idempotency keys and tokens. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Api } from "../api.js";
import { ApiError } from "../errors.js";
import { newId } from "../ids.js";
import { data, refusal, silence } from "./service.mjs";
import { VirtualTime } from "./virtual-time.mjs";

/** An API client that receives `answers` in order; null is a network error. */
function apiWith(answers, options = {}) {
  const time = new VirtualTime();
  const requests = [];
  const send = async (url, request) => {
    requests.push({ url, at: time.now, ...request });
    const answer = answers.shift();
    if (answer === null) throw new TypeError("network");
    return typeof answer === "function" ? answer(request) : answer;
  };
  const api = new Api({ baseUrl: "http://service/", fetch: send, local: time.local, ...options });
  return { api, requests, time };
}

const OK = () => data({ version: 2 });

/** The result of a call, or its error, after `ms`. */
async function resultOf(time, call, ms = 60_000) {
  const outcome = call.catch((error) => error);
  await time.pass(ms);
  return outcome;
}

for (const [name, failure] of [
  ["no answer", null],
  ["502", refusal(502)],
  ["503", refusal(503, "STORE_UNAVAILABLE")],
  ["504", refusal(504)],
  ["429", refusal(429, "RATE_LIMIT_EXCEEDED")],
  ["a proxy's login page", new Response("<p>Log in first</p>")],
]) {
  test(`a change is retried after ${name}, with the same key`, async () => {
    const { api, requests, time } = apiWith([failure, OK()]);
    const answer = await resultOf(time, api.change("POST", "/v1/sessions/s/start"));
    assert.deepEqual(answer, { status: 200, data: { version: 2 } });
    const keys = requests.map(({ headers }) => headers["Idempotency-Key"]);
    assert.equal(keys.length, 2);
    assert.equal(new Set(keys).size, 1);
  });
}

for (const status of [400, 403, 404, 409, 412, 422, 500]) {
  test(`${status} isn't retried`, async () => {
    const { api, requests, time } = apiWith([refusal(status, "SOME_CODE")]);
    const error = await resultOf(time, api.change("POST", "/v1/sessions/s/start"));
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.code, requests.length], [status, "SOME_CODE", 1]);
  });
}

test("each change has its own idempotency key, a read has none", async () => {
  const { api, requests, time } = apiWith([OK(), OK(), OK()]);
  await resultOf(time, api.change("POST", "/a"));
  await resultOf(time, api.change("DELETE", "/b"));
  await resultOf(time, api.get("/c"));
  const [one, two, three] = requests.map(({ headers }) => headers["Idempotency-Key"]);
  assert.ok(one && two && one !== two);
  assert.equal(three, undefined);
});

test("a call is attempted at most five times", async () => {
  const { api, requests, time } = apiWith(Array(9).fill(null));
  const error = await resultOf(time, api.change("POST", "/a"));
  assert.deepEqual([error.status, error.code, requests.length], [0, "UNREACHABLE", 5]);
});

test("Retry-After is honoured", async () => {
  const later = refusal(429, "RATE_LIMIT_EXCEEDED", { "Retry-After": "3" });
  const { api, requests, time } = apiWith([later, OK()]);
  await resultOf(time, api.change("POST", "/a"));
  assert.deepEqual(
    requests.map(({ at }) => at),
    [0, 3000],
  );
});

test("a call ends within 15 s, or within its timeout", async () => {
  const much = () => refusal(429, "RATE_LIMIT_EXCEEDED", { "Retry-After": "60" });
  for (const [options, most] of [
    [{}, 15_000],
    [{ timeout: 2000 }, 2000],
  ]) {
    const { api, time } = apiWith([much()]);
    const error = await resultOf(time, api.change("POST", "/a", options), 0);
    assert.equal(error.retryAfterMs, 60_000);
    const hanging = apiWith(Array(9).fill(silence));
    let endedAt;
    hanging.api.change("POST", "/a", options).catch(() => (endedAt = hanging.time.now));
    await hanging.time.pass(30_000);
    assert.ok(endedAt <= most, `${endedAt}`);
  }
});

test("an attempt that hangs is cancelled after 5 s and retried", async () => {
  const { api, requests, time } = apiWith([silence, OK()]);
  const answer = await resultOf(time, api.change("POST", "/a"));
  assert.equal(answer.status, 200);
  assert.ok(requests[1].at >= 5000 && requests[1].at < 5300);
});

test("an aborted call rejects at once with the signal's reason", async () => {
  for (const answers of [[silence], [refusal(503)]]) {
    const { api, requests, time } = apiWith(answers);
    const cut = new AbortController();
    const call = api.change("POST", "/a", { signal: cut.signal }).catch((error) => error);
    await time.pass(10);
    cut.abort(new Error("enough"));
    assert.equal((await call).message, "enough");
    await time.pass(60_000);
    assert.equal(requests.length, 1);
    assert.equal(time.timers, 0);
  }
});

test("an ApiError has the fields of the service's error", async () => {
  const details = { expected_version: 1, actual_version: 2 };
  const error = { code: "CONFLICT", message: "No", details, request_id: "r" };
  const { api, time } = apiWith([Response.json({ error }, { status: 409 })]);
  const got = await resultOf(time, api.change("POST", "/v1/sessions", { body: {} }));
  assert.deepEqual(
    [got.status, got.code, got.message, got.details, got.requestId],
    [409, "CONFLICT", "No", details, "r"],
  );
});

for (const [details, expected] of [
  [[{ field: "participants.0.total_time_ms", message: "is required" }, { field: "x" }], "Invalid: participants.0.total_time_ms is required"],
  [[{ field: "next", message: "Invalid" }], "Invalid"],
  [[], "Invalid"],
  [undefined, "Invalid"],
]) {
  test(`the message of an error with the details ${JSON.stringify(details)}`, async () => {
    const error = { code: "VALIDATION_ERROR", message: "Invalid", details };
    const { api, time } = apiWith([Response.json({ error }, { status: 400 })]);
    const got = await resultOf(time, api.get("/v1/x"));
    assert.equal(got.message, expected);
    assert.deepEqual(got.details, details);
  });
}

test("ifMatch and ifNoneMatch are sent as headers", async () => {
  const { api, requests, time } = apiWith([OK(), new Response(null, { status: 304 })]);
  await resultOf(time, api.change("POST", "/a", { ifMatch: 7, body: { x: 1 } }));
  const unchanged = await resultOf(time, api.getOnce("/b", { ifNoneMatch: 8 }));
  assert.equal(requests[0].headers["If-Match"], '"7"');
  assert.equal(requests[0].headers["Content-Type"], "application/json");
  assert.equal(requests[0].body, '{"x":1}');
  assert.equal(requests[1].headers["If-None-Match"], '"8"');
  assert.deepEqual(unchanged, { status: 304, data: null });
});

test("rateLimitRemaining is the last RateLimit-Remaining", async () => {
  const { api, time } = apiWith([data({}, { headers: { "RateLimit-Remaining": "17" } })]);
  assert.equal(api.rateLimitRemaining, Infinity);
  await resultOf(time, api.get("/a"));
  assert.equal(api.rateLimitRemaining, 17);
});

for (const [header, expected] of [
  ["17, 3", 3],
  ["3,17", 3],
  ["17, x", 17],
  ["1.5", Infinity],
  ["", Infinity],
]) {
  test(`RateLimit-Remaining "${header}" leaves ${expected} requests`, async () => {
    const { api, time } = apiWith([data({}, { headers: { "RateLimit-Remaining": header } })]);
    await resultOf(time, api.get("/a"));
    assert.equal(api.rateLimitRemaining, expected);
  });
}

test("a token is sent, and kept until it is rejected", async () => {
  let asked = 0;
  const token = async () => `token ${++asked}`;
  const { api, requests, time } = apiWith([OK(), OK()], { token });
  await resultOf(time, api.get("/a"));
  await resultOf(time, api.get("/b"));
  const shown = requests.map(({ headers }) => headers.Authorization);
  assert.deepEqual(shown, ["Bearer token 1", "Bearer token 1"]);
});

test("a rejected token is replaced once per call, with the same idempotency key", async () => {
  let asked = 0;
  const answers = [refusal(401), OK(), refusal(401), refusal(401)];
  const { api, requests, time } = apiWith(answers, { token: () => `token ${++asked}` });
  assert.equal((await resultOf(time, api.change("POST", "/a"))).status, 200);
  const [one, two] = requests.map(({ headers }) => headers);
  assert.deepEqual([one.Authorization, two.Authorization], ["Bearer token 1", "Bearer token 2"]);
  assert.equal(one["Idempotency-Key"], two["Idempotency-Key"]);
  assert.equal((await resultOf(time, api.change("POST", "/b"))).status, 401);
  assert.equal(requests.length, 4);
});

test("concurrent rejected calls get one new token", async () => {
  let asked = 0;
  const answer = ({ headers }) => (headers.Authorization === "Bearer 2" ? OK() : refusal(401));
  const { api, time } = apiWith(Array(9).fill(answer), { token: async () => String(++asked) });
  await resultOf(time, Promise.all(["/a", "/b", "/c"].map((path) => api.get(path))));
  assert.equal(asked, 2);
});

test("a call rejected with an already replaced token retries with the new one", async () => {
  let asked = 0;
  let refuseLate;
  const late = () => new Promise((resolve) => (refuseLate = () => resolve(refusal(401))));
  const { api, time } = apiWith([late, refusal(401), OK(), OK()], { token: () => String(++asked) });
  const first = api.get("/a");
  await resultOf(time, api.get("/b"), 0);
  refuseLate();
  assert.equal((await resultOf(time, first, 0)).status, 200);
  assert.equal(asked, 2);
});

test("a rejected fixed token fails with 401", async () => {
  const { api, requests, time } = apiWith([refusal(401, "UNAUTHENTICATED")], { token: "fixed" });
  const error = await resultOf(time, api.get("/a"));
  assert.deepEqual([error.status, requests.length], [401, 1]);
});

test("time isn't retried, and returns when the answer arrived", async () => {
  const { api, time } = apiWith([Response.json({ timestamp_ms: 17 }), refusal(503)]);
  const { serverMs, receivedAt } = await api.time();
  assert.deepEqual([serverMs, receivedAt], [17, time.now]);
  await assert.rejects(api.time(), { status: 503 });
});

test("ids are random UUIDs", () => {
  const made = Array.from({ length: 100 }, newId);
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  assert.ok(made.every((id) => form.test(id)));
  assert.equal(new Set(made).size, 100);
});
