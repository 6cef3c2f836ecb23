import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    exclude: ["**/node_modules/**", "tests/runtimes/**"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // two cores are the smallest machine that runs the suite
    maxWorkers: 2,
  },
});
