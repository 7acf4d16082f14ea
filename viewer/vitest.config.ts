import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "jsdom",
    include: ["tests/**/*.test.ts"],
    // one process: the tests take seconds, starting workers takes longer
    pool: "threads",
    maxWorkers: 1,
    isolate: false,
    restoreMocks: true,
  },
});
