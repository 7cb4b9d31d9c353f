import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { FIELD, reduce } from "../../circuits/field.ts";
import { sponge } from "../../circuits/sponge.ts";
import { contributionInstance } from "../../circuits/statements/contribution.ts";
import { randomRows } from "../../cli/attack/samples.ts";
import { inverse } from "../../prover/bn254.ts";
import { compileCircuit } from "../../prover/compile.ts";
import { Constraints, withChallenge } from "../../prover/forgery/constraints.ts";
import { ProverPool } from "../../prover/pool/pool.ts";
import { setupDevelopment } from "../../prover/setup.ts";

const CONTEXT = `0x${"11".repeat(32)}` as const;

/**
 * The other root of: a' + 256 b' = a + 256 b and 1/(z - a') + 1/(z - b') = 1/(z - a) + 1/(z - b).
 * With S = a + 256 b, T the sum of inverses: -256 T b'^2 + (T (255 z + S) - 255) b' + ... = 0, whose roots add up to (T (255 z + S) - 255) / (256 T).
 */
function trade(a: bigint, b: bigint, z: bigint): [bigint, bigint] {
	const sum = a + 256n * b;
	const inverses = reduce(inverse(reduce(z - a), FIELD) + inverse(reduce(z - b), FIELD));
	const roots = reduce((inverses * (255n * z + sum) - 255n) * inverse(reduce(256n * inverses), FIELD));
	const other = reduce(roots - b);
	return [reduce(sum - 256n * other), other];
}

describe("a lookup whose challenge binds packed bytes only", () => {
	test("accepts values that are no bytes", async () => {
		const libraries = [
			fileURLToPath(new URL("known-bad", import.meta.url)),
			fileURLToPath(new URL("../../circuits", import.meta.url)),
			dirname(dirname(createRequire(import.meta.url).resolve("circom2/cli.js"))),
		];
		const source =
			'pragma circom 2.1.6;\ninclude "packed-transcript.circom";\ntemplate Red() { signal input challenge; signal input blind; signal input byte[2]; signal input multiplicity[256]; component bad = PackedTranscript(); bad.byte <== byte; bad.multiplicity <== multiplicity; signal hidden <== blind * challenge; }\ncomponent main {public [challenge]} = Red();\n';
		const system = await Constraints.of(
			{ statement: "red", id: "red-packed-transcript", source, publics: [], links: [], hasWords: false },
			{ libraries },
		);
		const multiplicity = Array.from({ length: 256 }, (_, j) => (j === 7 || j === 200 ? 1n : 0n));
		const challenge = sponge(1n, [7n + 256n * 200n, ...multiplicity]);
		const forged = trade(7n, 200n, challenge);
		expect(forged.every((value) => value > 255n)).toBe(true);
		const witness = await system.witness({ byte: forged, multiplicity, blind: 0n, challenge: 0n });
		expect(system.broken(witness)).toEqual([]);
	});
});

describe("the same trade under a commitment to every byte", () => {
	const parameters = { n: 2, d: 3, k: 2, weightBits: 1 } as const;
	const instance = contributionInstance(parameters, randomRows(5n, 2, 3, 2, 1), 9n);
	const pool = new ProverPool({ workers: 1 });
	afterAll(() => pool.close());

	test("needs a challenge that is known before it: the constraints alone take it, the prover's transcript does not", async () => {
		const compiled = await compileCircuit(instance.circuit);
		const key = await setupDevelopment(compiled);
		const honest = await pool.prove({ circuit: compiled, key, inputs: instance.inputs, context: CONTEXT, words: [] });

		const x = [...(instance.inputs.x as readonly bigint[])];
		[x[0], x[1]] = trade(x[0] as bigint, x[1] as bigint, honest.challenge);
		const forged = { ...instance.inputs, x };
		const system = await Constraints.of(instance.circuit);
		// Under the honest proof's challenge the range check and the packed rows hold; only the projection notices that rows and statistics differ.
		await expect(system.witness(withChallenge({ ...instance, inputs: forged }, honest.challenge))).rejects.toMatchObject({
			message: expect.not.stringContaining("RangeLookup"),
		});
		// The commitment moves with the bytes, so the challenge does, and the range check fails.
		await expect(pool.prove({ circuit: compiled, key, inputs: forged, context: CONTEXT, words: [] })).rejects.toMatchObject({
			code: "witness.unsatisfied",
			message: expect.stringContaining("RangeLookup"),
		});
	});
});
