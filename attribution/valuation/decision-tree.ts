/**
 * A classification tree: each node splits where the Gini impurity falls most, until its rows agree or cannot be told apart.
 * Rows are put in the order of every feature once; a node is the same range of each of these lists, which a split parts in two
 * without losing the order, so a level costs n d steps.
 * Source: Breiman, Friedman, Olshen and Stone, "Classification and Regression Trees" (1984).
 */
import { below, type Generator } from "../../compute/random.ts";
import type { Examples } from "../examples.ts";
import { largest } from "../gram.ts";

/** Says a class for a row of features, d of them to a row. */
export type Classifier = (x: Float64Array, row: number) => number;

/** The rows of a data set by each of their features. */
export interface Presorted {
	readonly examples: Examples;
	/** d x n: the features, one after the other. */
	readonly columns: Float64Array;
	/** d x n: the rows with ascending feature l. */
	readonly orders: Uint32Array;
}

/** Sort rows by every feature, for any number of trees. */
export function presort(examples: Examples): Presorted {
	const { x, n, d } = examples;
	const columns = new Float64Array(d * n);
	const orders = new Uint32Array(d * n);
	for (let l = 0; l < d; l++) {
		const column = columns.subarray(l * n, (l + 1) * n);
		for (let i = 0; i < n; i++) column[i] = x[i * d + l] as number;
		const order = orders.subarray(l * n, (l + 1) * n);
		for (let i = 0; i < n; i++) order[i] = i;
		order.sort((one, other) => (column[one] as number) - (column[other] as number) || one - other);
	}
	return { examples, columns, orders };
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

/**
 * Grow a tree in full. Ties go to the lower feature and the lower threshold; a leaf without a majority says the lowest class.
 * @param options - weights not all 0
 */
export function growTree({ examples, columns, orders }: Presorted, { weight, features }: TreeOptions): Classifier {
	const { label, n, d, k } = examples;
	let size = 0;
	for (let i = 0; i < n; i++) if ((weight[i] as number) > 0) size++;
	/** d x size. */
	const lists = new Uint32Array(d * size);
	for (let at = 0, to = 0; at < orders.length; at++) {
		const row = orders[at] as number;
		if ((weight[row] as number) > 0) lists[to++] = row;
	}
	const candidates = drawer(d, features);
	const left = new Float64Array(k);
	const isLeft = new Uint8Array(n);
	const aside = new Uint32Array(size);

	/** The best split of a range over the features that are looked at, or null where none parts its rows. */
	const best = (from: number, to: number, counts: Float64Array, total: number) => {
		let found: { feature: number; threshold: number } | null = null;
		// Least impurity is most of sum c^2 / n over the two sides; a split that gains nothing is made too, as one that gains may follow.
		let most = 0;
		let all = 0;
		for (let c = 0; c < k; c++) all += (counts[c] as number) ** 2;
		for (const feature of candidates()) {
			const [base, column] = [feature * size, feature * n];
			const last = columns[column + (lists[base + to - 1] as number)] as number;
			let here = columns[column + (lists[base + from] as number)] as number;
			if (here === last) continue;
			left.fill(0);
			let [weightLeft, squares, squaresRight] = [0, 0, all];
			for (let i = base + from; here !== last; i++) {
				const row = lists[i] as number;
				const [w, c] = [weight[row] as number, label[row] as number];
				const before = left[c] as number;
				squares += w * (2 * before + w);
				squaresRight -= w * (2 * ((counts[c] as number) - before) - w);
				left[c] = before + w;
				weightLeft += w;
				const after = columns[column + (lists[i + 1] as number)] as number;
				if (here === after) continue;
				const purity = squares / weightLeft + squaresRight / (total - weightLeft);
				if (purity > most * (1 + 1e-12)) {
					most = purity;
					const middle = here + (after - here) / 2;
					found = { feature, threshold: middle < after ? middle : here };
				}
				here = after;
			}
		}
		return found;
	};

	/** Part a range of every list; returns where the right side begins. */
	const part = (from: number, to: number, feature: number, threshold: number) => {
		let middle = from;
		for (let i = from; i < to; i++) {
			const row = lists[feature * size + i] as number;
			isLeft[row] = (columns[feature * n + row] as number) <= threshold ? 1 : 0;
			middle += isLeft[row] as number;
		}
		for (let base = 0; base < lists.length; base += size) {
			let [kept, moved] = [base + from, 0];
			for (let i = base + from; i < base + to; i++) {
				const row = lists[i] as number;
				if (isLeft[row] === 1) lists[kept++] = row;
				else aside[moved++] = row;
			}
			for (let i = 0; i < moved; i++) lists[kept + i] = aside[i] as number;
		}
		return middle;
	};

	const grow = (from: number, to: number): Node => {
		const counts = new Float64Array(k);
		let total = 0;
		for (let i = from; i < to; i++) {
			const row = lists[i] as number;
			const w = weight[row] as number;
			(counts[label[row] as number] as number) += w;
			total += w;
		}
		const majority = largest(counts, 0, k);
		const split = counts[majority] === total ? null : best(from, to, counts, total);
		if (!split) return majority;
		const middle = part(from, to, split.feature, split.threshold);
		return { ...split, left: grow(from, middle), right: grow(middle, to) };
	};

	const root = grow(0, size);
	return (x, row) => {
		let node = root;
		while (typeof node !== "number") node = (x[row * d + node.feature] as number) <= node.threshold ? node.left : node.right;
		return node;
	};
}

/** The features of a node, ascending. */
function drawer(d: number, features: TreeOptions["features"]): () => Uint32Array {
	const all = Uint32Array.from({ length: d }, (_, l) => l);
	if (!features) return () => all;
	const { count, next } = features;
	return () => {
		for (let i = 0; i < count; i++) {
			const other = i + below(next, d - i);
			[all[i], all[other]] = [all[other] as number, all[i] as number];
		}
		return all.slice(0, count).sort();
	};
}
