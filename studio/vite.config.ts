import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1200,
    assetsInlineLimit: 2048,
  },
  server: { host: "127.0.0.1", port: 5173, strictPort: false }, // no name to look up
  test: {
    reporters: ["default"],
    fileParallelism: false, // one browser at a time
    projects: [
      { extends: true, test: { name: "unit", include: ["test/unit/**/*.test.ts"], environment: "node" } },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          environment: "node",
          // patience: drawing without a graphics card fills a small machine
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
