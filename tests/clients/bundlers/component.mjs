/**
 * Bundles a page that shows a component of the README of the JavaScript library, whose packages it
 * uses: `node component.mjs LIBRARY COMPONENT BUNDLE`. The component's ids are in the page's address.
 */

import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import { dirname, extname, join, resolve } from "node:path";

import { build } from "esbuild";

const [library, component, outfile] = process.argv.slice(2).map((path) => resolve(path));
const require = createRequire(join(library, "package.json"));

const PROPS = "const props = Object.fromEntries(new URLSearchParams(location.search));";

/** The code that shows the component `App`. */
const SHOW = {
  ".tsx": `import { createElement } from "react";
    import { createRoot } from "react-dom/client";
    createRoot(document.body).render(createElement(App, props));`,
  ".vue": `import { createApp } from "vue";
    createApp(App, props).mount(document.body);`,
  ".svelte": `import { mount } from "svelte";
    mount(App, { target: document.body, props });`,
};

const plugin = {
  name: "components",
  setup({ onLoad }) {
    onLoad({ filter: /\.vue$/ }, async ({ path }) => {
      const { compileScript, parse } = require("vue/compiler-sfc");
      const { descriptor } = parse(await readFile(path, "utf8"));
      const { content } = compileScript(descriptor, { id: "app", inlineTemplate: true });
      return { contents: content, loader: "ts" };
    });
    onLoad({ filter: /\.svelte$/ }, async ({ path }) => {
      const { compile } = require("svelte/compiler");
      return { contents: compile(await readFile(path, "utf8"), { filename: path }).js.code };
    });
  },
};

const imports = `import App from ${JSON.stringify(component)};`;
await build({
  stdin: { contents: imports + PROPS + SHOW[extname(component)], resolveDir: dirname(component) },
  bundle: true,
  format: "esm",
  jsx: "automatic",
  conditions: ["browser"],
  define: { "process.env.NODE_ENV": '"production"' },
  nodePaths: [join(library, "node_modules")],
  outfile,
  plugins: [plugin],
});
