/**
 * Weights that follow from an attribution run. A run is a JSON file
 *
 *     { "schema": "openledger.lineage-run.v1", "method": "ridge-path", "scores": { "0x...": "1234", "0x...": "-56.7" } }
 *
 * with a score for each parent it speaks of, a decimal number as text or as JSON has it. A weight is proportional to the score if that is positive and 0 if not, as
 * payouts are; all of them together are what the node's author leaves to the run. Parts are whole by `apportion`, parents by id.
 */
import type { Digest } from "../../compute/digest.ts";
import { DataError } from "../../compute/errors.ts";
import { apportion } from "./apportion.ts";
import type { LineageNode, Parent } from "./node.ts";

/** Digits before or behind the point that a score may have: as many as a double. */
const MAX_EXPONENT = 400;

/**
 * The parents that a run speaks of, with their weights.
 * @param run - the parsed file
 * @param source - its path, for the message
 * @param whole - what the weights add up to, parts per million
 * @throws {DataError} LINEAGE_MALFORMED if it is no run or no score is positive
 */
export function provenParents(run: unknown, source: string, whole: number): Parent[] {
	const refuse = (expected: string, got: unknown): never => {
		const hint = "Give a run of openledger.lineage-run.v1, see docs/lineage.md.";
		throw new DataError("LINEAGE_MALFORMED", `${source}: expected ${expected}, got ${JSON.stringify(got) ?? "nothing"}`, hint);
	};
	const { schema, method, scores } = Object(run) as { schema?: unknown; method?: unknown; scores?: unknown };
	if (schema !== "openledger.lineage-run.v1") refuse("the schema openledger.lineage-run.v1", schema);
	if (typeof method !== "string" || method === "") refuse("the name of a method", method);
	if (Object(scores) !== scores || Array.isArray(scores)) refuse("scores by id of the parent", scores);
	const entries = Object.entries(scores as object).sort(([a], [b]) => (a < b ? -1 : 1));
	const values = entries.map(([id, score]) => {
		if (!/^0x[0-9a-f]{64}$/.test(id)) refuse("ids of 0x and 64 hex digits", id);
		const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/.exec(
			typeof score === "number" ? String(score) : typeof score === "string" ? score : "",
		);
		const [, sign, units, fraction = "", exponent = "0"] = match ?? refuse("decimal numbers as scores", score);
		const shift = Number(exponent) - (fraction as string).length;
		if (Math.abs(shift) > MAX_EXPONENT) refuse(`scores between 1e-${MAX_EXPONENT} and 1e${MAX_EXPONENT}`, score);
		const digits = BigInt(`${units}${fraction}`);
		return sign === "-" ? 0n : digits * 10n ** BigInt(MAX_EXPONENT + shift);
	});
	if (values.every((value) => value === 0n)) refuse("a positive score", scores);
	const weights = apportion(BigInt(whole), values);
	return entries.map(([id], i) => ({ id: id as Digest, weight: Number(weights[i]), basis: "proven" }));
}

/**
 * Whether the proven weights of a node are those of its run.
 * @throws {DataError} LINEAGE_MALFORMED if they are not, with both
 */
export function checkProven(node: LineageNode, run: unknown): void {
	const proven = node.parents.filter(({ basis }) => basis === "proven").toSorted((a, b) => (a.id < b.id ? -1 : 1));
	const whole = proven.reduce((sum, { weight }) => sum + weight, 0);
	const expected = provenParents(run, node.run?.path as string, whole);
	const text = (parents: readonly Parent[]): string => parents.map(({ id, weight }) => `${id} ${weight}`).join(", ");
	if (text(proven) === text(expected)) return;
	throw new DataError(
		"LINEAGE_MALFORMED",
		`lineage: "${node.name}": expected the weights of its run, ${text(expected)}, got ${text(proven)}`,
		"Record the node again with `--run`, or declare the weights.",
	);
}
