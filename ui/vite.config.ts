import { fileURLToPath } from "node:url";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const source = fileURLToPath(new URL("./src", import.meta.url));
const server = process.env.CALOTYPE_URL ?? "http://127.0.0.1:5000";

export default defineConfig({
  // Every address is relative to <base href>, which the server sets: the pages live under any path.
  base: "./",
  plugins: [react()],
  resolve: { alias: { "@": source } },
  build: {
    target: "es2022",
    outDir: "../src/calotype/static/ui",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
  server: {
    proxy: Object.fromEntries(["/api", "/dicomweb", "/wado", "/ohif"].map((path) => [path, server])),
  },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
