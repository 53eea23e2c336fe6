/**
 * `node build.mjs FOLDER`: builds the console of a release from `clients/` into FOLDER, which takes the
 * place of `clients/console`. A page becomes one script and one stylesheet. Each address of a file gets
 * the file's version, `?v=`, with which the service lets browsers keep it for a year.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";

const CLIENTS = fileURLToPath(new URL("../../clients", import.meta.url));
const CONSOLE = join(CLIENTS, "console");
const LIBRARY = join(CLIENTS, "js/");
const PAGES = ["index", "board", "embed"];
const OPTIONS = { bundle: true, minify: true, format: "esm", charset: "utf8", write: false };
const TARGET = "es2022";

/** Colours are needed before the page is drawn, so each page loads this module on its own. */
const FIRST = "theme.js";

const STYLESHEETS = /(?:[ \t]*<link rel="stylesheet" href="\/console\/[\w-]+\.css">\n)+/;
const HREF = /href="\/console\/([\w-]+\.css)"/g;
const SCRIPT = /<script type="module" src="\/console\/([\w-]+\.js)"><\/script>/;

const output = process.argv[2];
if (!output) throw new Error("FOLDER is missing");
const versions = new Map();

for (const name of await filesThatStayAsTheyAre()) await write(name, await source(name));
await write(FIRST, await script(join(CONSOLE, FIRST)));
for (const page of PAGES) await write(`${page}.html`, await built(page));

/** The pictures, and the libraries that the console loads only when it needs them. */
async function filesThatStayAsTheyAre() {
  const pictures = (await readdir(CONSOLE)).filter((name) => name.endsWith(".svg"));
  const libraries = (await readdir(join(CONSOLE, "vendor"))).filter((name) => name.endsWith(".js"));
  return [...pictures, ...libraries.map((name) => `vendor/${name}`)];
}

/** Write the script and the stylesheet of a page, and return its HTML. */
async function built(page) {
  const html = await source(`${page}.html`);
  const [links] = found(html, STYLESHEETS, page);
  const [, entry] = found(html, SCRIPT, page);
  const sheet = `${page}.css`;
  await write(sheet, await style([...links.matchAll(HREF)].map(([, name]) => name)));
  await write(entry, await script(join(CONSOLE, entry)));
  return html.replace(links, `    <link rel="stylesheet" href="/console/${sheet}">\n`);
}

function found(html, pattern, page) {
  const matches = [...html.matchAll(new RegExp(pattern, "g"))];
  if (matches.length !== 1) throw new Error(`${page}.html has ${matches.length} of ${pattern}`);
  return matches[0];
}

async function script(entry) {
  const plugins = [{ name: "addresses", setup: resolveAddresses }];
  const options = { ...OPTIONS, target: TARGET, entryPoints: [entry], plugins };
  return textOf(await esbuild.build(options));
}

/** Bundle the stylesheets in the order of the page. */
async function style(names) {
  const contents = names.map((name) => `@import "./${name}";\n`).join("");
  const stdin = { contents, loader: "css", resolveDir: CONSOLE };
  return textOf(await esbuild.build({ ...OPTIONS, stdin }));
}

function textOf({ outputFiles: [file] }) {
  return file.text;
}

/**
 * `/clients/js/` is a path of the service, and modules with a file of their own stay outside. Imports
 * between the library's modules are resolved here, too: esbuild would add what `package.json` says,
 * and the names in its output would depend on which import of a module it resolves first.
 */
function resolveAddresses(build) {
  build.onResolve({ filter: /^\/clients\/js\// }, ({ path }) => ({ path: join(CLIENTS, "..", path) }));
  build.onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
    const module = join(resolveDir, path);
    return module.startsWith(LIBRARY) ? { path: module } : undefined;
  });
  build.onResolve({ filter: /^\.\/(theme|vendor\/[\w-]+)\.js$/ }, ({ path }) => ({
    path: path.replace(".", "/console"),
    external: true,
  }));
  build.onResolve({ filter: /^@supabase\// }, ({ path }) => ({ path, external: true }));
}

async function source(name) {
  return readFile(join(CONSOLE, name), "utf8");
}

/** Write a file with the versions of the files that it names, and note its own version. */
async function write(name, text) {
  let stamped = text;
  for (const [other, version] of versions) {
    stamped = stamped.replaceAll(`/console/${other}`, `/console/${other}?v=${version}`);
  }
  const path = join(output, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, stamped);
  versions.set(name, createHash("sha256").update(stamped).digest("hex").slice(0, 16));
}
