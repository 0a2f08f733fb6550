import { writeFileSync } from "node:fs";
import { defineConfig } from "vite";

// The page is served from memory by congad, so that nothing is split into many
// small files; the map is one of its own, since it is the largest part.
export default defineConfig({
  base: "/",
  plugins: [{ name: "keep", closeBundle: () => writeFileSync("dist/.keep", "") }], // Go embeds a folder that is there
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    assetsDir: "assets",
    assetsInlineLimit: 0, // the Content-Security-Policy has fonts and styles of its own origin only
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
});
