/**
 * Checks proofs on the engine: one at once, or many by one product of pairings (equation.ts). It accepts what verify.ts accepts, and refuses
 * with the same codes.
 */
import { setImmediate } from "node:timers/promises";
import type { Arithmetic } from "./engine/machine.ts";
import { type Fq12, isOne, Pairing } from "./engine/pairing.ts";
import { type Candidate, combine, type Equation, type KeyPoints, knowledgeFactors, readEquation, readKey } from "./equation.ts";
import { type BatchFailure, BatchInvalid, KeyError, ProofInvalid, ProverError } from "./errors.ts";
import { isProductOne } from "./second-opinion.ts";

export type { Candidate, CommittedCandidate, PlainCandidate } from "./equation.ts";
export { type BatchFailure, BatchInvalid } from "./errors.ts";

/** What {@link Verifier.verifyBatch} is doing. */
export interface VerifyProgress {
	/** reading proofs; pairings of the whole batch, or of the part in which a bad proof is searched; pairings of the second opinion */
	readonly phase: "read" | "pairings" | "second opinion";
	readonly done: number;
	readonly total: number;
}

export interface BatchOptions {
	/** looked at every few milliseconds */
	readonly signal?: AbortSignal;
	readonly onProgress?: (progress: VerifyProgress) => void;
	/** whether @noble/curves has to accept the batch as well, under coefficients of its own; default: no */
	readonly secondOpinion?: boolean;
}

/** A proof of a batch. */
interface Place {
	readonly index: number;
	readonly equation: Equation;
}

type Step = (done: number) => Promise<void>;

/** Keys that a verifier remembers. */
const KEYS = 64;
/** Proofs or factors between two turns of the event loop. */
const SLICE = 64;

/** A verifier holds a machine of about a megabyte, and no thread. Calls may overlap. */
export class Verifier {
	readonly #pairing: Pairing;
	/** by content, the least recently used first */
	readonly #keys = new Map<string, KeyPoints>();

	private constructor(pairing: Pairing) {
		this.#pairing = pairing;
	}

	/**
	 * @param options.arithmetic which of the engine's two; default: the fastest that is right here
	 * @throws ProverError `engine.failed`
	 */
	static async open(options: { readonly arithmetic?: Arithmetic } = {}): Promise<Verifier> {
		return new Verifier(await Pairing.open(options.arithmetic));
	}

	/**
	 * Returns if the proof is good.
	 * @throws ProofInvalid, KeyError as `verifyProof`; of a plain key `vkey.format`, `vkey.invalid`
	 */
	verify(candidate: Candidate): void {
		this.#check(this.#read(candidate));
	}

	/**
	 * Returns if all proofs are good: that a bad one is among them has then a chance of 2^-128. Proofs of one key share most of the work; keys are the
	 * same when their points are.
	 * @param candidates any number, of any keys
	 * @throws BatchInvalid `proof.batch`, with all that are not and what each is refused with; the signal's reason; ProverError `engine.failed` when
	 *   the second opinion differs
	 */
	async verifyBatch(candidates: readonly Candidate[], options: BatchOptions = {}): Promise<void> {
		const { signal, onProgress, secondOpinion = false } = options;
		const step = (phase: VerifyProgress["phase"], total: number): Step => {
			let done = 0;
			return async (more) => {
				done += more;
				onProgress?.({ phase, done, total });
				await setImmediate();
				signal?.throwIfAborted();
			};
		};
		signal?.throwIfAborted();
		const failures: BatchFailure[] = [];
		const places: Place[] = [];
		const read = step("read", candidates.length);
		const seen = new Map<unknown, KeyPoints>();
		for (const [index, candidate] of candidates.entries()) {
			const refusal = refusalOf(() => places.push({ index, equation: this.#read(candidate, seen) }));
			if (refusal) failures.push({ index, error: refusal });
			if ((index + 1) % SLICE === 0 || index + 1 === candidates.length) await read((index % SLICE) + 1);
		}
		failures.push(...(await this.#search(places, (total) => step("pairings", total))));
		if (failures.length > 0) {
			failures.sort((a, b) => a.index - b.index);
			const list = failures.map(({ index, error }) => `${index} (${error.code})`).join(", ");
			throw new BatchInvalid(`verifyBatch: expected ${candidates.length} good proofs, got bad ones at ${list}`, failures);
		}
		if (!secondOpinion || places.length === 0) return;
		const factors = combine(places.map(({ equation }) => equation));
		if (await isProductOne(factors, step("second opinion", factors.length))) return;
		throw new ProverError("engine.failed", "verifyBatch: expected the second opinion to accept what the engine accepts, got a refusal");
	}

	/** All bad proofs: one product for all, and when it is not 1, for either half. */
	async #search(places: readonly Place[], step: (total: number) => Step): Promise<BatchFailure[]> {
		if (places.length <= 1) return places.flatMap((place) => this.#failureOf(place));
		const factors = combine(places.map(({ equation }) => equation));
		const stepped = step(factors.length);
		const values: Fq12[] = [];
		const strangers: Place[] = [];
		for (let from = 0; from < factors.length; from += SLICE) {
			const slice = factors.slice(from, from + SLICE);
			const part = this.#pairing.miller(slice);
			values.push(part.value);
			// Right sides behind those of the proofs are of keys, which have been checked.
			strangers.push(...part.strangers.map((index) => places[from + index] as Place));
			await stepped(slice.length);
		}
		if (strangers.length === 0 && isOne(this.#pairing.exponentiate(values))) return [];
		const others = places.filter((place) => !strangers.includes(place));
		const parts = strangers.length > 0 ? [others] : [others.slice(0, others.length / 2), others.slice(others.length / 2)];
		const failures = strangers.flatMap((place) => this.#failureOf(place));
		for (const part of parts) failures.push(...(await this.#search(part, step)));
		if (failures.length > 0) return failures;
		throw new ProverError("engine.failed", `verifyBatch: expected a bad proof among ${places.length} whose product is not 1, got none`);
	}

	#failureOf({ index, equation }: Place): BatchFailure[] {
		const error = refusalOf(() => this.#check(equation));
		return error ? [{ index, error }] : [];
	}

	/** @param seen keys of this batch, which are not compared again */
	#read(candidate: Candidate, seen = new Map<unknown, KeyPoints>()): Equation {
		const key = seen.get(candidate.key) ?? this.#keyOf(candidate);
		seen.set(candidate.key, key);
		return readEquation(candidate, key);
	}

	#keyOf(candidate: Candidate): KeyPoints {
		const isCommitted = "claim" in candidate;
		const content = JSON.stringify([isCommitted, candidate.key], (_, value) => (typeof value === "bigint" ? `${value}` : value));
		let key = this.#keys.get(content);
		if (!key) {
			key = readKey(candidate);
			this.#checkKey(key, isCommitted ? "key.invalid" : "vkey.invalid");
			if (this.#keys.size === KEYS) this.#keys.delete(this.#keys.keys().next().value as string);
		}
		this.#keys.delete(content);
		this.#keys.set(content, key);
		return key;
	}

	#checkKey({ id, beta, gamma, delta, sigma }: KeyPoints, code: "key.invalid" | "vkey.invalid"): void {
		const points = Object.entries({ beta, gamma, delta, ...(sigma ? { sigma } : {}) });
		const [stranger] = this.#pairing.miller(points.map(([, right]) => ({ left: [], right }))).strangers;
		if (stranger === undefined) return;
		throw new KeyError(code, `verify: expected ${points[stranger]?.[0]} of ${id} to be in G2, got a point of another order`);
	}

	/** @throws ProofInvalid `proof.point`, `proof.knowledge`, `proof.equation` */
	#check(equation: Equation): void {
		const { key, commitment } = equation;
		const { value, strangers } = this.#pairing.miller(combine([equation]));
		if (strangers.length > 0) throw new ProofInvalid("proof.point", "verify: expected b to be in G2, got a point of another order");
		if (isOne(this.#pairing.exponentiate([value]))) return;
		if (commitment && !isOne(this.#pairing.exponentiate([this.#pairing.miller(knowledgeFactors(key, commitment)).value]))) {
			throw new ProofInvalid("proof.knowledge", `verify: expected knowledge = sigma commitment for ${key.id}, got another point`);
		}
		throw new ProofInvalid("proof.equation", `verify: expected the pairing equation of ${key.id} to hold, got a proof of something else`, {
			hint: "a public signal, word, the context or the proof was altered, or the proof is of another circuit",
		});
	}
}

/** What a check of this room throws; other errors are thrown on. */
function refusalOf(check: () => void): ProverError | undefined {
	try {
		check();
	} catch (error) {
		if (error instanceof ProofInvalid || error instanceof KeyError) return error;
		throw error;
	}
	return undefined;
}
