import { defineConfig } from "vite";

// Everything is a file of our own: the pages' policy allows nothing inline and nothing from elsewhere.
export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
  },
} as never);
