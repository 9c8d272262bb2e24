import { configDefaults, defineConfig } from "vitest/config";

const CLI = "test/src/cli/**/*.test.ts";

export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 240_000,
    maxWorkers: "100%",
    projects: [
      // these put something else in the place of modules
      { extends: true, test: { name: "cli", include: [CLI] } },
      // most files take less time than loading what they test, which nothing changes
      {
        extends: true,
        test: {
          name: "all",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, CLI],
          isolate: false,
        },
      },
    ],
  },
});
