/** Parsing of server-sent events (HTML Living Standard section 9.2). */

import assert from "node:assert/strict";
import { test } from "node:test";

import { eventsIn } from "../transports/event-stream.js";

/** The events of a stream that comes in pieces of `size` bytes. */
async function parsed(text, size) {
  const bytes = new TextEncoder().encode(text);
  const pieces = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.slice(at, at + size));
  const events = [];
  const body = ReadableStream.from(pieces);
  for await (const data of eventsIn(body, () => {})) events.push(data);
  return events;
}

for (const [name, text, expected] of [
  ["LF", "data: a\n\ndata: b\n\n", ["a", "b"]],
  ["CR", "data: a\r\rdata: b\r\r", ["a", "b"]],
  ["CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]],
  ["mixed line ends", "data: a\r\n\ndata: b\r\r\n", ["a", "b"]],
  ["other separators", "data: a\u2028b\u2029c\u0085d\u000be\n\n", ["a\u2028b\u2029c\u0085d\u000be"]],
  ["several lines", "data: a\ndata\ndata:b\n\n", ["a\n\nb"]],
  ["other fields", ": hello\nid: 1\ndatabase: x\ndata:  a: b\n\n\n", [" a: b"]],
  ["a byte order mark", "\ufeffdata: a\n\n", ["a"]],
  ["an event without its end", "data: a\n\ndata: b\n", ["a"]],
  ["characters of several bytes", "data: é€𝄞\n\n", ["é€𝄞"]],
]) {
  test(`events with ${name} are read whole, however they arrive`, async () => {
    for (const size of [1, 2, 3, 1000]) assert.deepEqual(await parsed(text, size), expected);
  });
}

test("an event is complete with its last CR", async () => {
  const open = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("data: a\r\r")),
  });
  assert.equal((await eventsIn(open, () => {}).next()).value, "a");
});
