/**
 * The white-box shadow attack: the attacker knows everybody's rows, the method and the known queries, trains the epoch in its own
 * machine, and moves each value of its rows by no more than a sixteenth of the range along the gradient of its own score:
 *
 *     S_i = x_i^T M x_i - N_{y_i}^T x_i        dS_i / dx_i = 2 M x_i - N_{y_i}
 *
 * with M, N of its shadow, renewed after each step. Projected sign ascent; source: Madry et al., "Towards deep learning models resistant
 * to adversarial attacks" (ICLR 2018), section 2.1.
 */
import { OMEGA_BITS } from "../../circuits/path.ts";
import type { Rows } from "../../circuits/statistics.ts";
import { matrix, multiply } from "../../compute/matrix.ts";
import { symmetricMatrix } from "../../compute/product.ts";
import { openReference } from "../../compute/reference/backend.ts";
import { factorise, solve } from "../../compute/ridge.ts";
import { type Statistics, sumStatistics } from "../../compute/statistics.ts";
import { addNode, product, type ScoreForms } from "../forms.ts";
import type { RidgePathParameters } from "../ridge-path.ts";
import { type Attack, replaceAttacker, type Scene } from "./attack.ts";

/** A sixteenth of the range. */
const REACH = 16;
const STEPS = 8;

/** Own rows moved along the gradient of their score. */
export const shadowAttack: Attack = {
	name: "shadow",
	title: "own rows moved by 1/16 along the gradient of their score",
	attacker: "contributor",
	async apply(scene) {
		const own = scene.submissions[scene.attacker] as Scene["submissions"][number];
		return replaceAttacker(scene, [{ rows: await climb(scene, own.rows, shadowForms) }]);
	},
};

/** M and N of a payer that scores rows by a form of their statistics. */
type FormsOf = (train: Statistics, query: Statistics, path: RidgePathParameters) => ScoreForms;

async function climb(scene: Scene, own: Rows, formsOf: FormsOf): Promise<Rows> {
	const { d, k, path } = scene.context;
	const backend = openReference();
	const others = sumStatistics(
		await Promise.all(scene.submissions.filter((_, c) => c !== scene.attacker).map(({ rows }) => backend.statistics(rows, d, k))),
	);
	const query = await backend.statistics(scene.knownQueries, d, k);
	const x = own.x.slice();
	for (let step = 0; step < STEPS; step++) {
		const train = sumStatistics([others, await backend.statistics({ ...own, x }, d, k)]);
		const gradient = gradientOf(x, own.label, formsOf(train, query, path), d, k);
		gradient.forEach((value, i) => {
			// The last feature is the bias, the same for everybody.
			if (i % d === d - 1) return;
			const start = own.x[i] as number;
			const moved = (x[i] as number) + Math.sign(value) * (step === 0 ? REACH : REACH / 4);
			x[i] = Math.min(Math.max(moved, start - REACH, 0), start + REACH, 255);
		});
	}
	await backend.close();
	return { ...own, x };
}

/** 2 M x_i - N_{y_i} for every row. */
function gradientOf(x: Uint8Array, label: Uint8Array, { m, n }: ScoreForms, d: number, k: number): Float64Array {
	// The packed form holds 2 M off the diagonal and M on it.
	const full = symmetricMatrix(m, d).values.map((value, i) => (i % (d + 1) === 0 ? 2 * value : value));
	const rows = matrix(Float64Array.from(x), label.length, d);
	return multiply(rows, matrix(full, d, d)).values.map(
		(value, i) => value - (n[(i % d) * k + (label[Math.floor(i / d)] as number)] as number),
	);
}

/** The forms of the ridge path, as in ridge-path.ts. */
export function shadowForms(train: Statistics, query: Statistics, path: RidgePathParameters): ScoreForms {
	const { d, k } = train;
	const a = symmetricMatrix(train.a, d);
	const aQuery = symmetricMatrix(query.a, d).values;
	const forms = { m: new Float64Array(train.a.length), n: new Float64Array(d * k) };
	for (const node of path.nodes) {
		const factor = factorise(a, node.k * BigInt(train.n));
		const w = solve(factor, train.b, k);
		const gradient = product(aQuery, w, d, k).map((value, i) => (value - (query.b[i] as number)) / query.n);
		addNode(forms, Number(node.omega) / 2 ** OMEGA_BITS, w, solve(factor, gradient, k), d, k);
	}
	return forms;
}
