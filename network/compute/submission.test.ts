import { describe, expect, it } from "vitest";
import { identityBackbone } from "../../compute/backbone/backbone.ts";
import { integerManifest, ridgeManifest } from "../../compute/training/defaults.ts";
import { PERCEPTRON, pictures } from "../../compute/training/testing.ts";
import { contentId } from "../../prover/jobs/submission.ts";
import { inlineInput, MAX_INLINE } from "./input.ts";
import { COMPUTE_KINDS, type ComputeJob, INFLUENCE_METHODS } from "./job.ts";
import { COMPUTE_JOBS, computeSubmission, deviceOf, parseJob } from "./submission.ts";

const rows = inlineInput(Uint8Array.of(1, 2, 3));
const large = { sha256: "0f".repeat(32), path: "/data/rows.safetensors" };

const JOBS: { readonly [Kind in ComputeJob["kind"]]: Extract<ComputeJob, { kind: Kind }> } = {
	statistics: { kind: "statistics", rows, classes: 10 },
	features: { kind: "features", rows: large, backbone: identityBackbone(5).manifest },
	train: {
		kind: "train",
		manifest: integerManifest({ architecture: PERCEPTRON, data: pictures(40), seed: 7n, batch: 16 }),
		data: large,
		to: 9,
	},
	influence: {
		kind: "influence",
		train: large,
		test: rows,
		classes: 3,
		method: "knn-shapley",
		options: { neighbours: 7, seed: "18446744073709551615" },
	},
};

/** A job with one thing changed, as the store would get it. */
function changed(kind: ComputeJob["kind"], change: (fields: Record<string, unknown>) => void): Parameters<typeof COMPUTE_JOBS.check>[0] {
	const { octets, ...rest } = computeSubmission(JOBS[kind]);
	const fields = JSON.parse(Buffer.from(octets).toString());
	change(fields);
	return { ...rest, octets: Buffer.from(JSON.stringify(fields)) };
}

describe.each(COMPUTE_KINDS)("%s", (kind) => {
	it("comes back as it was, and passes the store's check", () => {
		const submission = computeSubmission(JOBS[kind], "wasm");
		expect(parseJob(submission.octets)).toEqual(JOBS[kind]);
		expect([submission.kind, submission.key, deviceOf(submission.key)]).toEqual([kind, `${kind}/wasm`, "wasm"]);
		expect(() => COMPUTE_JOBS.check(submission)).not.toThrow();
		expect(() => COMPUTE_JOBS.check(changed(kind, () => {}))).not.toThrow();
	});

	it("is the same job however its fields are ordered, and another one for another device", () => {
		const turned = Object.fromEntries(Object.entries(JOBS[kind]).reverse()) as unknown as ComputeJob;
		expect(contentId(computeSubmission(turned))).toBe(contentId(computeSubmission(JOBS[kind])));
		expect(contentId(computeSubmission(JOBS[kind], "wasm"))).not.toBe(contentId(computeSubmission(JOBS[kind])));
	});

	it("is refused with a field too many, one too few, or another schema", () => {
		const [last] = Object.keys(JOBS[kind]).slice(-1) as [string];
		const cases: [(fields: Record<string, unknown>) => void, RegExp][] = [
			[(fields) => Object.assign(fields, { more: 1 }), /expected its fields to be .*, got more/],
			[(fields) => Object.assign(fields, { schema: "openledger.compute.job.v2" }), /expected schema to be openledger.compute.job.v1/],
			...(last === "options" ? [] : [[(fields: Record<string, unknown>) => delete fields[last], /got undefined/] as const]).map(
				([change, message]): [(fields: Record<string, unknown>) => void, RegExp] => [(fields) => void change(fields), message],
			),
		];
		for (const [change, message] of cases) {
			expect(() => COMPUTE_JOBS.check(changed(kind, change))).toThrow(
				expect.objectContaining({ code: "jobs.format", message: expect.stringMatching(message), hint: expect.any(String) }),
			);
		}
	});
});

it.each([
	["statistics", { classes: 0 }, "expected classes to be an integer in [1, 256], got 0"],
	["statistics", { classes: 2.5 }, "got 2.5"],
	["statistics", { kind: "gram" }, "expected kind to be one of statistics, features, train, influence, got gram"],
	["statistics", { rows: null }, "rows: expected a SHA-256 as 64 lower-case hexadecimal digits, got undefined"],
	["statistics", { rows: { ...rows, sha256: "0f".repeat(32) } }, `rows: expected bytes of SHA-256 ${"0f".repeat(32)}`],
	["statistics", { rows: { ...rows, inline: `${rows.inline}*` } }, "rows: expected base64"],
	["statistics", { rows: { ...large, path: "rows.safetensors" } }, "rows: expected an absolute path"],
	["features", { backbone: "identity" }, "expected backbone to be an object"],
	["features", { weights: rows }, "expected its fields to be kind, rows, backbone, got weights"],
	["features", { backbone: { kind: "int8-network" } }, "weights: expected a SHA-256"],
	["train", { to: 0 }, "expected to to be an integer in [1, 2147483648], got 0"],
	["train", { manifest: ridgeManifest({ data: pictures(40) }) }, "expected mode of the run to be integer"],
	["train", { manifest: { mode: "integer" } }, "got undefined"],
	["train", { manifest: { ...JOBS.train.manifest, batch: 0 } }, "batch: expected an integer of at least 1, got 0"],
	["train", { from: { record: {}, state: rows } }, "expected schema of from.record to be openledger.checkpoint.v1"],
	["influence", { method: "exact-shapley" }, "expected method to be one of ridge-path"],
	["influence", { options: { ridge: -1 } }, "expected options.ridge to be a number above 0, got -1"],
	["influence", { options: { seed: "18446744073709551616" } }, "expected options.seed to be a decimal integer in [0, 2^64)"],
	["influence", { options: { hidden: [0] } }, "expected options.hidden to be an integer in [1, 65536], got 0"],
	["influence", { options: { players: "rows" } }, "got players"],
] as const)("%s with %o is refused: %s", (kind, change, message) => {
	expect(() => COMPUTE_JOBS.check(changed(kind, (fields) => Object.assign(fields, change)))).toThrow(
		expect.objectContaining({ code: "jobs.format", message: expect.stringContaining(message) }),
	);
});

it("refuses other octets, kinds and queues, and jobs that are too large", () => {
	const submission = computeSubmission(JOBS.statistics);
	const refused = (change: object, code: string) =>
		expect(() => COMPUTE_JOBS.check({ ...submission, ...change })).toThrow(expect.objectContaining({ code }));
	refused({ octets: Buffer.from("{") }, "jobs.format");
	refused({ octets: Buffer.from("null") }, "jobs.format");
	refused({ kind: "features" }, "jobs.format");
	refused({ key: "statistics/cuda" }, "jobs.format");
	refused({ key: "features/any" }, "jobs.format");
	refused({ octets: Buffer.alloc(2 ** 22 + 1) }, "jobs.size");
});

it("takes two inputs of the largest size in one job, and none above it", () => {
	const [one, other] = [1, 2].map((byte) => inlineInput(new Uint8Array(MAX_INLINE).fill(byte))) as [typeof rows, typeof rows];
	expect(() => COMPUTE_JOBS.check(computeSubmission({ ...JOBS.influence, train: one, test: other }))).not.toThrow();
	expect(() => inlineInput(new Uint8Array(MAX_INLINE + 1))).toThrow(expect.objectContaining({ code: "PARAMETER_OUT_OF_RANGE" }));
});

it("offers all methods whose players are rows", () => {
	expect(INFLUENCE_METHODS).toEqual(expect.arrayContaining(["ridge-path", "influence-softmax", "tracin", "tmc-shapley"]));
	expect(INFLUENCE_METHODS).not.toContain("exact-shapley");
});
