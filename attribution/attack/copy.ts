/** Attacks by copies: rows that were there before, one's own, others' or the queries'. */
import type { Rows } from "../../circuits/statistics.ts";
import { below, type Generator } from "../../compute/random.ts";
import { joinRows } from "../defence/stack.ts";
import { type Attack, addNewcomer, pickRows, replaceAttacker } from "./attack.ts";

/** A sixteenth of the range. */
const SIXTEENTH = 16;

/** Every value but the bias moved by -noise ... noise sixteenths, each equally likely, and kept in the range. */
export function addNoise(rows: Rows, noise: number, next: Generator): Rows {
	const d = rows.x.length / rows.count;
	const x = rows.x.map((value, i) => {
		if (noise === 0 || i % d === d - 1) return value;
		return Math.min(255, Math.max(0, value + SIXTEENTH * (below(next, 2 * noise + 1) - noise)));
	});
	return { ...rows, x };
}

/** A newcomer commits the rows of the contributor that earns most. */
export function copyAttack(noise: number): Attack {
	return {
		name: noise === 0 ? "copy" : `copy-noise-${noise}`,
		title: noise === 0 ? "the best contributor's rows once more" : `the same with noise of ${noise}/16`,
		attacker: "newcomer",
		apply(scene) {
			const victim = scene.submissions[scene.best] as (typeof scene.submissions)[number];
			return { ...addNewcomer(scene, addNoise(victim.rows, noise, scene.next)), victim: victim.contributor };
		},
	};
}

/** A newcomer commits rows of many: as many as a usual contributor has, drawn from all. */
export function mixedCopyAttack(noise: number): Attack {
	return {
		name: `mixed-copy-noise-${noise}`,
		title: `rows of all contributors, with noise of ${noise}/16`,
		attacker: "newcomer",
		apply(scene) {
			const { submissions, next } = scene;
			const share = 1 / submissions.length;
			const parts = submissions.map(({ rows }) => {
				const picked = Array.from({ length: rows.count }, (_, row) => row).filter(() => next() < share * 2 ** 32);
				return addNoise(pickRows(rows, picked), noise, next);
			});
			return addNewcomer(scene, joinRows(parts));
		},
	};
}

/** A newcomer commits means of two rows of one class, both of the contributor that earns most: rows that nobody has committed. */
const blendAttack: Attack = {
	name: "blend",
	title: "means of two of the best contributor's rows of one class",
	attacker: "newcomer",
	apply(scene) {
		const victim = scene.submissions[scene.best] as (typeof scene.submissions)[number];
		const { x, label, count } = victim.rows;
		const { d } = scene.context;
		const partners = Uint32Array.from(label, (y, row) => {
			const others = Array.from(label.keys()).filter((other) => label[other] === y && other !== row);
			return others.length === 0 ? row : (others[below(scene.next, others.length)] as number);
		});
		const blended = x.map((value, i) => Math.round((value + (x[(partners[Math.floor(i / d)] as number) * d + (i % d)] as number)) / 2));
		return { ...addNewcomer(scene, { ...victim.rows, x: blended, count }), victim: victim.contributor };
	},
};

/** Own rows, and fewer noisy copies of the best contributor's beside them than the set test flags. */
export function partialCopyAttack(noise: number): Attack {
	return {
		name: `partial-copy-noise-${noise}`,
		title: `own rows and 0.4 times as many of the best contributor's, with noise of ${noise}/16`,
		attacker: "contributor",
		apply(scene) {
			const { rows } = scene.submissions[scene.attacker] as { rows: Rows };
			const victim = scene.submissions[scene.best] as (typeof scene.submissions)[number];
			const count = Math.min(victim.rows.count, Math.floor(0.4 * rows.count));
			const copied = addNoise(
				pickRows(
					victim.rows,
					Array.from({ length: count }, (_, row) => row),
				),
				noise,
				scene.next,
			);
			return { ...replaceAttacker(scene, [{ rows: joinRows([rows, copied]) }]), victim: victim.contributor };
		},
	};
}

/** Own rows five times. */
export function repeatAttack(noise: number): Attack {
	return {
		name: noise === 0 ? "repeat" : `repeat-noise-${noise}`,
		title: noise === 0 ? "own rows five times" : `own rows five times, with noise of ${noise}/16`,
		attacker: "contributor",
		apply(scene) {
			const { rows } = scene.submissions[scene.attacker] as { rows: Rows };
			const copies = Array.from({ length: 4 }, () => addNoise(rows, noise, scene.next));
			return replaceAttacker(scene, [{ rows: joinRows([rows, ...copies]) }]);
		},
	};
}

/** A newcomer commits the queries that it knows. */
function leakAttack(noise: number): Attack {
	return {
		name: noise === 0 ? "leaked-queries" : `leaked-queries-noise-${noise}`,
		title: noise === 0 ? "copies of the known queries" : `the known queries with noise of ${noise}/16`,
		attacker: "newcomer",
		apply: (scene) => addNewcomer(scene, addNoise(scene.knownQueries, noise, scene.next)),
	};
}

export const copyAttacks: readonly Attack[] = [
	repeatAttack(0),
	repeatAttack(2),
	copyAttack(0),
	copyAttack(1),
	copyAttack(2),
	mixedCopyAttack(2),
	blendAttack,
	leakAttack(0),
	leakAttack(2),
];
