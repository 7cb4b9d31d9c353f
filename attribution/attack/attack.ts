/** What an attack is: what an attacker who knows its own rows, and perhaps others', hands in instead of them. */
import type { Rows } from "../../circuits/statistics.ts";
import type { Generator } from "../../compute/random.ts";
import type { Submission } from "../defence/submission.ts";
import type { Setting } from "./setting.ts";

/** What the attacker can see. */
export interface Scene extends Pick<Setting, "submissions" | "context"> {
	/** The index of the attacker among the submissions. */
	readonly attacker: number;
	/** The index of the contributor that earns most without the attack. */
	readonly best: number;
	/** The queries that are known before the scores: all of them, or the ones that are not hidden. */
	readonly knownQueries: Rows;
	readonly next: Generator;
}

/** What is handed in. */
export interface Attacked {
	/** Honest contributors as they are, in their order, and the attacker's. */
	readonly submissions: readonly Submission[];
	/** Names of the attacker. */
	readonly names: readonly string[];
	/** Whose rows were used; absent where nobody in particular is harmed. */
	readonly victim?: string;
}

export interface Attack {
	/** Stable name, kebab-case. */
	readonly name: string;
	/** One line for a table. */
	readonly title: string;
	/** "newcomer": the attacker had no rows before, so its share before is 0. */
	readonly attacker: "contributor" | "newcomer";
	/** What pays: the epoch (the default), or the exact Shapley value over names. */
	readonly payer?: "shapley-over-names";
	apply(scene: Scene): Attacked | Promise<Attacked>;
}

/** The name of the attacker's n-th name. */
export function attackerName(n = 0): string {
	return `attacker-${n}`;
}

/** All submissions but the attacker's, and its new ones after the last of them. */
export function replaceAttacker({ submissions, attacker }: Scene, own: readonly Omit<Submission, "contributor" | "committed">[]): Attacked {
	const last = Math.max(...submissions.map(({ committed }) => committed));
	const honest = submissions.filter((_, c) => c !== attacker);
	const names = own.map((_, n) => attackerName(n));
	return { submissions: [...honest, ...own.map((one, n) => ({ ...one, contributor: attackerName(n), committed: last + 1 + n }))], names };
}

/** The same with the attacker's own rows left as they are. */
export function addNewcomer(scene: Scene, rows: Rows): Attacked {
	return replaceAttacker({ ...scene, attacker: -1 }, [{ rows }]);
}

/** Some of the rows, in the order of the indices. */
export function pickRows({ x, label, weight, count }: Rows, indices: ArrayLike<number>): Rows {
	const d = x.length / count;
	const picked = { x: new Uint8Array(indices.length * d), label: new Uint8Array(indices.length), weight: new Uint8Array(indices.length) };
	for (let i = 0; i < indices.length; i++) {
		const row = indices[i] as number;
		picked.x.set(x.subarray(row * d, (row + 1) * d), i * d);
		picked.label[i] = label[row] as number;
		picked.weight[i] = weight[row] as number;
	}
	return { ...picked, count: indices.length };
}
