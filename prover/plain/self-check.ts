/** Checks a proof that was just made against its key's own verification key, and finds out why it fails. */
import { prove, readWitness } from "../engine/groth16.ts";
import { Machine } from "../engine/machine.ts";
import type { Source } from "../engine/sections.ts";
import { KeyError, ProverError, WitnessError } from "../errors.ts";
import { isValid } from "./equation.ts";
import { type Groth16VerificationKey, readPlainKey } from "./key.ts";
import type { ProofWithSignals } from "./proof.ts";
import { describeViolation, findViolation } from "./violation.ts";

export interface CheckOptions {
	/** the circuit's .r1cs: names the violated constraint */
	readonly constraints?: Source | undefined;
	/** the circuit's .sym: names its signals */
	readonly symbols?: Source | undefined;
	readonly signal?: AbortSignal | undefined;
}

/**
 * Returns if the proof is good.
 * @param wtns of which it was made
 * @throws WitnessError `witness.unsatisfied` when the witness violates a constraint; KeyError `key.foreign`, `key.invalid`;
 *   ProverError `engine.failed`; what reading the files throws; the signal's reason
 */
export async function checkMade(zkey: Source, wtns: Source, made: ProofWithSignals, options: CheckOptions = {}): Promise<void> {
	const { json: key } = await readPlainKey(zkey);
	if (!(await isValid({ key, ...made }))) throw await reasonOf(zkey, wtns, key, options);
}

/** Why a proof failed its check: the witness, the key or the engine. */
async function reasonOf(
	zkey: Source,
	wtns: Source,
	key: Groth16VerificationKey,
	{ constraints, symbols, signal }: CheckOptions,
): Promise<ProverError> {
	if (constraints !== undefined) {
		const witness = await readWitness(wtns);
		const violation = await findViolation(constraints, witness, signal);
		if (violation) {
			const where = await describeViolation(violation, witness, symbols);
			return new WitnessError(
				"witness.unsatisfied",
				`prove: expected a witness that satisfies the constraints, got one that violates ${where}`,
			);
		}
	}
	// The other arithmetic and no other thread: an error of the engine does not happen twice.
	const again = await prove(zkey, wtns, { machine: await Machine.open("plain"), ...(signal ? { signal } : {}) });
	if (await isValid({ key, ...again })) {
		return new ProverError("engine.failed", "prove: expected a valid proof, got one that fails its check where a second one passes", {
			hint: "try again; when it comes back, the processor or its memory is faulty, or this is a bug worth reporting",
		});
	}
	if (constraints !== undefined) {
		return new KeyError(
			"key.foreign",
			"prove: expected a key of the circuit whose constraints the witness satisfies, got another or a damaged one",
			{
				hint: "make the key again from this .r1cs; a key of one of this package's statements needs the pool, which commits to the inputs",
			},
		);
	}
	return new WitnessError(
		"witness.unsatisfied",
		"prove: expected a witness that satisfies the key's circuit, got one whose proof does not verify",
		{
			hint: "a constraint is violated (give the circuit's .r1cs to learn which), or the key is damaged, or it is a statement's and needs a commitment",
		},
	);
}
