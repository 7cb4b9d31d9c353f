/** Attacks on the model rather than on the pool: rows that make it worse. They should be charged. */
import { below } from "../../compute/random.ts";
import { type Attack, replaceAttacker, type Scene } from "./attack.ts";

/** As many rows of uniform noise with random labels instead of its own. */
export const noiseAttack: Attack = {
	name: "noise",
	title: "rows of noise with random labels",
	attacker: "contributor",
	apply(scene) {
		const { rows } = scene.submissions[scene.attacker] as Scene["submissions"][number];
		const { d, k } = scene.context;
		const x = rows.x.map((value, i) => (i % d === d - 1 ? value : below(scene.next, 256)));
		return replaceAttacker(scene, [{ rows: { ...rows, x, label: rows.label.map(() => below(scene.next, k)) } }]);
	},
};

/** Own rows, each with the label of the next class. */
export const flippedLabelsAttack: Attack = {
	name: "flipped-labels",
	title: "own rows with the label of the next class",
	attacker: "contributor",
	apply(scene) {
		const { rows } = scene.submissions[scene.attacker] as Scene["submissions"][number];
		return replaceAttacker(scene, [{ rows: { ...rows, label: rows.label.map((y) => (y + 1) % scene.context.k) } }]);
	},
};
