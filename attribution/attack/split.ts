/** Attacks by names: the same rows under several names. */
import type { Rows } from "../../circuits/statistics.ts";
import { byteExamplesOf } from "../byte-examples.ts";
import { joinRows } from "../defence/stack.ts";
import { ridgePathRowsMethod } from "../ridge-path-rows.ts";
import { type Attack, type Attacked, pickRows, replaceAttacker, type Scene } from "./attack.ts";

/** One wallet cluster, as whoever follows the money sees it. */
const WALLET = "attacker";

/** Own rows, round robin, under several names. */
function splitInto(scene: Scene, names: number): Attacked {
	const { rows } = scene.submissions[scene.attacker] as { rows: Rows };
	const parts = Math.min(names, rows.count);
	const own = Array.from({ length: parts }, (_, n) =>
		pickRows(
			rows,
			Array.from({ length: rows.count }, (_, row) => row).filter((row) => row % parts === n),
		),
	);
	return replaceAttacker(
		scene,
		own.map((part) => ({ rows: part, wallet: WALLET })),
	);
}

export const splitAttack: Attack = {
	name: "split",
	title: "own rows under ten names",
	attacker: "contributor",
	apply: (scene) => splitInto(scene, 10),
};

export const shapleySplitAttack: Attack = {
	name: "shapley-split",
	title: "own rows under five names, paid by the Shapley value over names",
	attacker: "contributor",
	payer: "shapley-over-names",
	apply: (scene) => splitInto(scene, 5),
};

/** Rows that a shadow model scores above 0 under one name, the rest under another. */
export const cherryPickAttack: Attack = {
	name: "cherry-pick",
	title: "good and bad rows under two names",
	attacker: "contributor",
	apply(scene) {
		const { submissions, context, attacker, knownQueries } = scene;
		const { rows } = submissions[attacker] as { rows: Rows };
		const { d, k, path } = context;
		const order = [attacker, ...submissions.map((_, c) => c).filter((c) => c !== attacker)];
		const train = byteExamplesOf(joinRows(order.map((c) => (submissions[c] as { rows: Rows }).rows)), d, k);
		const scores = ridgePathRowsMethod(path)
			.cache(train)
			.attribute(byteExamplesOf(knownQueries, d, k))
			.scores.subarray(0, rows.count);
		const where = (isGood: boolean) => Array.from(scores.keys()).filter((row) => (scores[row] as number) > 0 === isGood);
		const parts = [where(true), where(false)].filter((part) => part.length > 0);
		return replaceAttacker(
			scene,
			parts.map((part) => ({ rows: pickRows(rows, part), wallet: WALLET })),
		);
	},
};
