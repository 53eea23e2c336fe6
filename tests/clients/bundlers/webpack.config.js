export default {
  mode: "production",
  entry: "./application.js",
  target: "node",
  experiments: { outputModule: true },
  output: { path: import.meta.dirname, filename: "bundle.js", module: true },
};
