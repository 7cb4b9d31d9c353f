/** The epoch that the README's figures are of: digits as they are, ten contributors, d = 64. Minutes. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { statsLines } from "../../bench/circuits.ts";
import { verifyBundle } from "../../network/epoch/audit.ts";
import { DEFAULT_CONFIG } from "../../network/epoch/config.ts";
import { runEpochs } from "../../network/epoch/run.ts";
import { quiet, temporaryFolder } from "./runs.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const data = join(process.env.OPENLEDGER_DATA ?? join(root, "..", "shared", "data"), "sklearn", "digits.csv.gz");

test("digits, ten contributors: proven, paid and verified", async () => {
	const { folder, remove } = await temporaryFolder();
	try {
		const config = { ...DEFAULT_CONFIG, data, contributors: 10, dropConstantColumns: true, clip: true };
		const report = await runEpochs({ config, out: folder, progress: quiet });
		expect(report.checkpoints[0]?.efficiencyError).toBeLessThan(0.001);
		expect(report.peakMemoryMB).toBeLessThan(4096);
		for (const line of report.contributors) {
			expect(line.share, line.owner).toBeGreaterThan(0.08);
			expect(line.share, line.owner).toBeLessThan(0.12);
		}
		const links = await verifyBundle({ folder, progress: quiet });
		expect(links.filter(({ ok }) => !ok)).toEqual([]);
	} finally {
		await remove();
	}
});

test.each(["digits", "paged", "large"] as const)("constraint counts of %s are those of circuits/stats.csv", async (group) => {
	const committed = await readFile(join(root, "circuits", "stats.csv"), "utf8");
	for (const line of await statsLines(group)) {
		expect(committed.split("\n")).toContain(line);
	}
});
