import { describe, expect, it } from "vitest";
import { R } from "../bn254.ts";
import type { CompiledCircuit } from "../compile.ts";
import { toyCircuit, toyInputs } from "../toy.ts";
import {
	checkSubmission,
	contentId,
	groth16Submission,
	MAX_OCTETS,
	parseStatement,
	type Submission,
	statementSubmission,
} from "./submission.ts";

const KEY = "0f".repeat(32);
const DIGEST = "17".repeat(32);
const CONTEXT = `0x${"a5".repeat(32)}` as const;

function statement(): Submission {
	const circuit = { circuit: toyCircuit(2), digest: DIGEST } as CompiledCircuit;
	return statementSubmission(KEY, {
		circuit,
		inputs: { ...toyInputs([3n, R - 1n], 0n), grid: [[1n, 2n], [3n]] },
		context: CONTEXT,
		words: [3n, R - 1n],
		links: [[], [1n, 0n]],
		publics: [9n, 0n],
		together: { opening: { blind: R - 5n, commitment: ["1", "2"], knowledge: ["3", "4"], digest: CONTEXT }, transcript: [CONTEXT] },
	});
}

/** The statement with one field of its JSON changed. */
function changed(change: (fields: Record<string, unknown>) => void): Submission {
	const { octets, ...rest } = statement();
	const fields = JSON.parse(Buffer.from(octets).toString());
	change(fields);
	return { ...rest, octets: Buffer.from(JSON.stringify(fields)) };
}

describe("a statement", () => {
	it("comes back as it was, bigints and nesting included", () => {
		expect(parseStatement(statement().octets)).toEqual({
			circuit: toyCircuit(2),
			digest: DIGEST,
			inputs: { ...toyInputs([3n, R - 1n], 0n), grid: [[1n, 2n], [3n]] },
			context: CONTEXT,
			words: [3n, R - 1n],
			links: [[], [1n, 0n]],
			publics: [9n, 0n],
			together: { opening: { blind: R - 5n, commitment: ["1", "2"], knowledge: ["3", "4"], digest: CONTEXT }, transcript: [CONTEXT] },
		});
	});

	it("passes the check, and each wrong field alone fails it", () => {
		expect(() => checkSubmission(statement())).not.toThrow();
		const changes: ((fields: Record<string, unknown>) => void)[] = [
			(fields) => Object.assign(fields, { schema: "openledger.jobs.statement.v2" }),
			(fields) => Object.assign(fields, { digest: "17" }),
			(fields) => Object.assign(fields, { circuit: null }),
			(fields) => Object.assign(fields, { inputs: { n: 5 } }),
			(fields) => Object.assign(fields, { inputs: [] }),
			(fields) => Object.assign(fields, { context: "0x17" }),
			(fields) => Object.assign(fields, { words: ["0x3"] }),
			(fields) => Object.assign(fields, { words: "3" }),
			(fields) => Object.assign(fields, { links: ["1"] }),
			(fields) => Object.assign(fields, { links: {} }),
			(fields) => Object.assign(fields, { publics: [null] }),
			(fields) => Object.assign(fields, { together: { opening: { blind: "1" } } }),
			(fields) => Object.assign(fields, { together: { opening: {}, transcript: [] } }),
		];
		for (const change of changes) {
			expect(() => checkSubmission(changed(change)), change.toString()).toThrow(expect.objectContaining({ code: "jobs.format" }));
		}
	});

	it("that is no JSON is refused without showing it", () => {
		expect(() => parseStatement(Buffer.from("secret {"))).toThrow(
			expect.objectContaining({ code: "jobs.format", message: expect.not.stringContaining("secret") }),
		);
	});
});

describe("a submission", () => {
	const plain = groth16Submission(KEY, Uint8Array.of(1, 2, 3));

	it("is checked", () => {
		expect(() => checkSubmission(plain)).not.toThrow();
		const wrong: [Partial<Submission>, string][] = [
			[{ kind: "plonk" as "groth16" }, "jobs.format"],
			[{ key: KEY.toUpperCase() }, "jobs.format"],
			[{ octets: new Uint8Array() }, "jobs.format"],
			[{ octets: new Uint8Array(MAX_OCTETS + 1) }, "jobs.size"],
		];
		for (const [part, code] of wrong) expect(() => checkSubmission({ ...plain, ...part })).toThrow(expect.objectContaining({ code }));
		expect(() => checkSubmission({ ...plain, octets: new Uint8Array(MAX_OCTETS) })).not.toThrow();
	});

	it("has an id that follows from kind, key and octets, and is a UUID of version 8", () => {
		const id = contentId(plain);
		expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
		expect(contentId({ ...plain })).toBe(id);
		for (const part of [{ kind: "statement" as const }, { key: DIGEST }, { octets: Uint8Array.of(1, 2, 4) }]) {
			expect(contentId({ ...plain, ...part })).not.toBe(id);
		}
	});
});
