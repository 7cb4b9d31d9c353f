/**
 * A classification tree: each node splits where the Gini impurity falls most, until its rows agree or cannot be told apart.
 * Rows are put in the order of every feature once; a node keeps its part of each of these lists in order, so a level costs n d steps.
 * Source: Breiman, Friedman, Olshen and Stone, "Classification and Regression Trees" (1984).
 */
import { below, type Generator } from "../../compute/random.ts";
import type { Examples } from "../examples.ts";
import { largest } from "../gram.ts";

/** Says a class for any row of features. */
export type Classifier = (x: Float64Array, row: number) => number;

/** The rows of a data set by each of their features: `orders[l]` lists the rows with ascending feature l. */
export interface Presorted {
	readonly examples: Examples;
	readonly orders: readonly Uint32Array[];
}

/** Sort rows by every feature, for any number of trees. */
export function presort(examples: Examples): Presorted {
	const { x, n, d } = examples;
	const value = (row: number, l: number) => x[row * d + l] as number;
	const orders = Array.from({ length: d }, (_, l) =>
		Uint32Array.from({ length: n }, (_, row) => row).sort((one, other) => value(one, l) - value(other, l) || one - other),
	);
	return { examples, orders };
}

interface Split {
	readonly feature: number;
	/** Rows up to it, inclusive, go to the left. */
	readonly threshold: number;
	readonly left: Node;
	readonly right: Node;
}

/** A split, or the class of a leaf. */
type Node = Split | number;

export interface TreeOptions {
	/** How often each row counts; those that count 0 times are not in the tree. */
	readonly weight: ArrayLike<number>;
	/** Features that a node looks at, drawn anew for each; all by default. */
	readonly features?: { readonly count: number; readonly next: Generator };
}

/** Grow a tree in full. Ties go to the lower feature and the lower threshold; a leaf without a majority says the lowest class. */
export function growTree({ examples, orders }: Presorted, { weight, features }: TreeOptions): Classifier {
	const { x, label, d, k } = examples;
	const value = (row: number, l: number) => x[row * d + l] as number;
	const chosen = Uint32Array.from({ length: d }, (_, l) => l);
	const candidates = () => {
		if (!features) return chosen;
		const { count, next } = features;
		for (let i = 0; i < count; i++) {
			const other = i + below(next, d - i);
			[chosen[i], chosen[other]] = [chosen[other] as number, chosen[i] as number];
		}
		return chosen.slice(0, count).sort();
	};
	const left = new Float64Array(k);

	/** The threshold of the best split over some features, or null where none parts the rows. */
	const best = (lists: readonly Uint32Array[], counts: Float64Array, total: number) => {
		let found: { feature: number; threshold: number } | null = null;
		// Least impurity is most of sum c^2 / n over the two sides; a split that gains nothing is made all the same, as it may lead to one that does.
		let most = 0;
		for (const feature of candidates()) {
			const list = lists[feature] as Uint32Array;
			if (value(list[0] as number, feature) === value(list[list.length - 1] as number, feature)) continue;
			left.fill(0);
			let [size, squares, squaresRight] = [0, 0, 0];
			for (let c = 0; c < k; c++) squaresRight += (counts[c] as number) ** 2;
			for (let i = 0; i + 1 < list.length; i++) {
				const row = list[i] as number;
				const [w, c] = [weight[row] as number, label[row] as number];
				squares += w * (2 * (left[c] as number) + w);
				squaresRight -= w * (2 * ((counts[c] as number) - (left[c] as number)) - w);
				(left[c] as number) += w;
				size += w;
				const [here, after] = [value(row, feature), value(list[i + 1] as number, feature)];
				if (here === after) continue;
				const purity = squares / size + squaresRight / (total - size);
				if (purity > most * (1 + 1e-12)) {
					most = purity;
					const middle = here + (after - here) / 2;
					found = { feature, threshold: middle < after ? middle : here };
				}
			}
		}
		return found;
	};

	const grow = (lists: readonly Uint32Array[]): Node => {
		const counts = new Float64Array(k);
		let total = 0;
		for (const row of lists[0] as Uint32Array) {
			const w = weight[row] as number;
			(counts[label[row] as number] as number) += w;
			total += w;
		}
		const majority = largest(counts, 0, k);
		const split = counts[majority] === total ? null : best(lists, counts, total);
		if (!split) return majority;
		const { feature, threshold } = split;
		const part = (isLeft: boolean) => lists.map((list) => list.filter((row) => value(row, feature) <= threshold === isLeft));
		return { feature, threshold, left: grow(part(true)), right: grow(part(false)) };
	};

	const root = grow(orders.map((order) => order.filter((row) => (weight[row] as number) > 0)));
	return (features, row) => {
		let node = root;
		while (typeof node !== "number") node = (features[row * d + node.feature] as number) <= node.threshold ? node.left : node.right;
		return node;
	};
}
