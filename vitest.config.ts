import { defineConfig } from "vitest/config";

const common = { pool: "forks" as const, testTimeout: 120_000, hookTimeout: 600_000 };

export default defineConfig({
	test: {
		// Two files at once: what a test starts uses all cores only now and then.
		maxWorkers: 2,
		projects: [
			{ test: { ...common, name: "default", include: ["**/*.test.ts"], exclude: ["node_modules/**", "dist/**", "**/*.slow.test.ts"] } },
			{
				test: {
					...common,
					name: "slow",
					include: ["**/*.slow.test.ts"],
					exclude: ["node_modules/**", "dist/**"],
					testTimeout: 1_800_000,
					fileParallelism: false,
				},
			},
		],
	},
});
