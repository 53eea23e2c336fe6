export default {
  build: {
    lib: { entry: "application.js", formats: ["es"], fileName: "bundle" },
    outDir: ".",
    emptyOutDir: false,
  },
};
