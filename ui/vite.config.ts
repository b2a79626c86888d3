import { fileURLToPath } from "node:url";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

import { groups } from "./vite/chunks";
import { cornerstone } from "./vite/cornerstone";
import { earlyChunks } from "./vite/early-chunks";
import { lighter } from "./vite/lighter";
import { packed } from "./vite/packed";

const source = fileURLToPath(new URL("./src", import.meta.url));
const entries = { application: "index.html", viewer: "viewer.html", docs: "docs.html" };
const server = process.env.CALOTYPE_URL ?? "http://127.0.0.1:5000";

export default defineConfig({
  // Every address is relative to <base href>, which the server sets: the pages live under any path.
  base: "./",
  plugins: [
    react(),
    cornerstone(),
    lighter(),
    earlyChunks({
      "index.html": ["src/app/application.tsx", "src/features/studies/StudiesPage.tsx"],
      "viewer.html": ["src/viewer/window.tsx", "src/viewer/Workspace.tsx"],
    }),
    packed(),
  ],
  resolve: {
    alias: {
      "@": source,
      // Read by vtk.js for files of its own in XML, which nobody opens here; the real one needs node.
      xmlbuilder2: fileURLToPath(new URL("./vite/no-xmlbuilder2.js", import.meta.url)),
    },
  },
  worker: { format: "es" },
  build: {
    target: "es2022",
    outDir: "../src/calotype/static/ui",
    emptyOutDir: true,
    rolldownOptions: {
      input: entries,
      output: { codeSplitting: { groups } },
    },
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
  server: {
    proxy: Object.fromEntries(
      ["/api", "/dicomweb", "/wado", "/ohif", "/weasis"].map((path) => [path, server]),
    ),
  },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
