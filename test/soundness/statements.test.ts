import { beforeAll, describe, expect, test } from "vitest";
import type { Instance } from "../../circuits/circuit.ts";
import { FIELD } from "../../circuits/field.ts";
import { sampleEpoch } from "../../cli/attack/samples.ts";
import { Constraints, withChallenge } from "../../prover/forgery/constraints.ts";

const CHALLENGE = 0x1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdn;
const epoch = sampleEpoch(11n);
const cases: [string, Instance][] = [
	["contribution", epoch.contributions[0] as Instance],
	["query", epoch.query],
	["total", epoch.total[1] as Instance],
	["query-total", epoch.queryTotal],
	["optimum", epoch.optimum],
	["score", epoch.score[1] as Instance],
	["attribution", epoch.attribution],
	["payout", epoch.payout],
];

/** Flips one entry of an input by `delta`. */
function altered(instance: Instance, name: string, index: number, delta: bigint) {
	const value = instance.inputs[name] as bigint | readonly bigint[];
	const next = typeof value === "bigint" ? value + delta : value.map((entry, i) => (i === index ? entry + delta : entry));
	return withChallenge({ ...instance, inputs: { ...instance.inputs, [name]: next } }, CHALLENGE);
}

describe.each(cases)("%s", (name, instance) => {
	let system: Constraints;
	let honest: bigint[];

	beforeAll(async () => {
		system = await Constraints.of(instance.circuit);
		honest = await system.witness(withChallenge(instance, CHALLENGE));
	});

	test("the honest witness satisfies every constraint", () => {
		expect(system.broken(honest)).toEqual([]);
	});

	test.each([1n, FIELD - 1n, 1n << 128n])("no wire can be changed alone (by %s)", (delta) => {
		expect(system.freeWires(honest, delta).map((wire) => system.names(wire))).toEqual([]);
	});

	test("no public signal can be another", async () => {
		for (const signal of [...instance.circuit.publics, ...instance.circuit.links, ...(instance.circuit.hasWords ? ["evaluation"] : [])]) {
			const inputs = withChallenge(instance, CHALLENGE);
			await expect(system.witness({ ...inputs, [signal]: (inputs[signal] as bigint) + 1n }), signal).rejects.toMatchObject({
				code: "witness.unsatisfied",
			});
		}
	});

	test("no committed input can be another, one at a time", async () => {
		for (const [input, value] of Object.entries(instance.inputs)) {
			if (instance.circuit.publics.includes(input)) {
				continue;
			}
			const size = typeof value === "bigint" ? 1 : value.length;
			for (const index of new Set([0, Math.floor(size / 2), size - 1])) {
				await expect(system.witness(altered(instance, input, index, 1n)), `${name}: ${input}[${index}]`).rejects.toMatchObject({
					code: "witness.unsatisfied",
				});
			}
		}
	});
});

describe("limbs and signs", () => {
	test("a limb that borrows from the next one is outside the table", async () => {
		const instance = epoch.optimum;
		const system = await Constraints.of(instance.circuit);
		const limbs = [...(instance.inputs.valueLimb as readonly bigint[])];
		limbs[0] = (limbs[0] as bigint) + 4096n;
		limbs[1] = (limbs[1] as bigint) - 1n;
		const inputs = withChallenge({ ...instance, inputs: { ...instance.inputs, valueLimb: limbs } }, CHALLENGE);
		await expect(system.witness(inputs)).rejects.toMatchObject({
			code: "witness.unsatisfied",
			message: expect.stringContaining("RangeLookup"),
		});
	});

	test("a label in the bits of another class is refused", async () => {
		const instance = epoch.contributions[0] as Instance;
		const system = await Constraints.of(instance.circuit);
		const bits = [...(instance.inputs.labelBit as readonly bigint[])];
		bits[0] = 1n - (bits[0] as bigint);
		const inputs = withChallenge({ ...instance, inputs: { ...instance.inputs, labelBit: bits } }, CHALLENGE);
		await expect(system.witness(inputs)).rejects.toMatchObject({ message: expect.stringContaining("Contribution") });
	});
});
