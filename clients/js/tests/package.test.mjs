/** The published package: its types, and that it runs without a build step or dependencies. */

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

import * as library from "../synckairos.js";

const ROOT = new URL("../", import.meta.url);
const BARE = {
  "react.js": ["react"],
  "svelte.js": ["svelte/store"],
  "transports/supabase.js": ["@supabase/realtime-js"],
  "vue.js": ["vue"],
};

async function modules() {
  const names = [...(await readdir(ROOT)), ...(await readdir(new URL("transports/", ROOT)))];
  const found = names.filter((name) => name.endsWith(".js"));
  const paths = await Promise.all(found.map(pathOf));
  return Promise.all(
    paths.map(async (path) => [path, await readFile(new URL(path, ROOT), "utf8")]),
  );
}

async function pathOf(name) {
  const isTransport = (await readdir(new URL("transports/", ROOT))).includes(name);
  return isTransport ? `transports/${name}` : name;
}

test("synckairos.d.ts declares exactly the module's exports", async () => {
  const types = await readFile(new URL("synckairos.d.ts", ROOT), "utf8");
  const declared = [...types.matchAll(/^export (?:class|function|const) (\w+)/gm)];
  assert.deepEqual(declared.map(([, name]) => name).sort(), Object.keys(library).sort());
});

for (const binding of ["react", "svelte", "vue"]) {
  test(`${binding}.d.ts declares exactly the exports of ${binding}.js`, async () => {
    const types = await readFile(new URL(`${binding}.d.ts`, ROOT), "utf8");
    const declared = new Set([...types.matchAll(/^export function (\w+)/gm)].map(([, name]) => name));
    assert.deepEqual([...declared].sort(), Object.keys(await import(`../${binding}.js`)).sort());
  });
}

test("the bindings for Vue and Svelte have fewer than 60 lines", async () => {
  for (const binding of ["svelte", "vue"]) {
    const text = await readFile(new URL(`${binding}.js`, ROOT), "utf8");
    assert.ok(text.split("\n").length < 60, binding);
  }
});

test("only optional packages are imported by name, so browsers can load the files", async () => {
  for (const [path, text] of await modules()) {
    const imported = [
      ...text.matchAll(/^import [^"]*? from "([^"]+)"|[^.]\bimport\("([^"]+)"\)[^.]/gm),
    ];
    const bare = imported
      .map(([, one, other]) => one ?? other)
      .filter((name) => !name.startsWith("."));
    assert.deepEqual(bare, BARE[path] ?? [], path);
  }
});

test("no code is built from strings, so a content security policy can be strict", async () => {
  for (const [path, text] of await modules()) {
    assert.doesNotMatch(text, /\beval\(|new Function\(|document\.write|innerHTML/, path);
  }
});

test("the package loads in Node without browser globals", async () => {
  for (const name of ["document", "WebSocket", "EventSource", "location"]) {
    assert.equal(globalThis[name], undefined, name);
  }
  const client = new library.SyncKairos({ baseUrl: "http://127.0.0.1:9" });
  assert.equal(client.session("A").id, "a");
  client.close();
});
