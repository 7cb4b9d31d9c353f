/** An epoch of more contributions than one circuit holds: 200 at d = 16, in pages. Minutes. */
import { expect, test } from "vitest";
import { verifyBundle } from "../../network/epoch/audit.ts";
import { DEFAULT_CONFIG } from "../../network/epoch/config.ts";
import { runEpochs } from "../../network/epoch/run.ts";
import { quiet, temporaryFolder } from "./runs.ts";

test("200 contributions: proven in pages, paid and verified", async () => {
	const { folder, remove } = await temporaryFolder();
	try {
		const report = await runEpochs({ config: { ...DEFAULT_CONFIG, contributors: 200 }, out: folder, progress: quiet });
		expect(report.contributors).toHaveLength(200);
		expect(report.contributors.every(({ claimed }) => claimed)).toBe(true);
		expect(report.checkpoints[0]?.efficiencyError).toBeLessThan(0.001);
		const names = report.proofs.map(({ name }) => name);
		for (const page of ["total", "score"]) {
			expect(names.filter((name) => name.startsWith(`${page}-`)).length).toBeGreaterThan(1);
		}
		const links = await verifyBundle({ folder, progress: quiet });
		expect(links.filter(({ ok }) => !ok)).toEqual([]);
	} finally {
		await remove();
	}
});
