// `node verifier-contracts/coverage.ts`: how much of src/ the Solidity tests reach. Exits 1 below 95 % of the lines or 90 % of the branches.
//
// forge counts the lines of inline assembly and never sees them run, so they are left out here; batch and single verifier, tree and reference are
// held against each other instead. Tests of code sizes and gas are left out: the counters make contracts larger. Takes about seven minutes.

import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./solc.ts";

const LEAST = { lines: 0.95, branches: 0.9 };
const LEFT_OUT = "(stays_small|size_of|test_gas)";

/** Lines of a source that lie in inline assembly, from 1. */
function assemblyLines(source: string): Set<number> {
	const inside = new Set<number>();
	let depth = 0;
	source.split("\n").forEach((line, i) => {
		if (depth === 0 && !/\bassembly\b.*\{/.test(line)) return;
		inside.add(i + 1);
		depth += line.split("{").length - line.split("}").length;
	});
	return inside;
}

/** What was reached and what there is, of one file. */
interface Reached {
	readonly file: string;
	readonly lines: readonly [number, number];
	readonly branches: readonly [number, number];
}

/** Reads an LCOV report; only src/. */
async function readReport(path: string): Promise<Reached[]> {
	const records = (await readFile(path, "utf8")).split("end_of_record").filter((record) => /SF:verifier-contracts\/src\//.test(record));
	return Promise.all(
		records.map(async (record) => {
			const file = (/SF:verifier-contracts\/(.*)/.exec(record) as RegExpExecArray)[1] as string;
			const left = assemblyLines(await readFile(join(root, file), "utf8"));
			const lines = [...record.matchAll(/^DA:(\d+),(\d+)/gm)].filter(([, line]) => !left.has(Number(line)));
			const branches = [...record.matchAll(/^BRDA:\d+,\d+,\d+,(.+)$/gm)];
			return {
				file,
				lines: [lines.filter(([, , hits]) => hits !== "0").length, lines.length] as const,
				branches: [branches.filter(([, hits]) => hits !== "0" && hits !== "-").length, branches.length] as const,
			};
		}),
	);
}

const folder = await mkdtemp(join(tmpdir(), "openledger-coverage-"));
try {
	const report = join(folder, "lcov.info");
	const args = ["coverage", "--ir-minimum", "--no-match-test", LEFT_OUT, "--report", "lcov", "--report-file", report];
	const { status } = spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", join(root, "forge.ts"), ...args], {
		env: { ...process.env, FOUNDRY_OUT: join(folder, "out"), FOUNDRY_CACHE_PATH: join(folder, "cache"), FORGE_SNAPSHOT_CHECK: "false" },
		stdio: ["ignore", "ignore", "inherit"],
	});
	if (status !== 0) throw new Error(`coverage: forge ended with exit code ${status}; run the tests to see why`);
	const files = await readReport(report);
	const total = (of: "lines" | "branches") =>
		[0, 1].map((place) => files.reduce((sum, one) => sum + (one[of][place] as number), 0)) as [number, number];
	const part = ([reached, all]: readonly [number, number]) => (all === 0 ? 1 : reached / all);
	const row = (name: string, lines: readonly [number, number], branches: readonly [number, number]) =>
		console.log(
			`${name.padEnd(34)} lines ${(100 * part(lines)).toFixed(1)} % (${lines.join("/")}), branches ${(100 * part(branches)).toFixed(1)} % (${branches.join("/")})`,
		);
	for (const { file, lines, branches } of files) row(file, lines, branches);
	row("all", total("lines"), total("branches"));
	if (part(total("lines")) < LEAST.lines || part(total("branches")) < LEAST.branches) process.exitCode = 1;
} finally {
	await rm(folder, { recursive: true, force: true });
}
