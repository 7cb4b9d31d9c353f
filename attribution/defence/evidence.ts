/**
 * All rows that can be evidence, in the order of their commitment: a row can only copy one before it. The queries are one
 * more owner among the contributors.
 */
import type { DefenceContext, Submission } from "./submission.ts";

export interface Evidence {
	/** n x d bytes, earliest first. */
	readonly x: Uint8Array;
	readonly label: Uint8Array;
	/** The index of each row's submission; the number of submissions for a query. Rows of an owner are contiguous. */
	readonly owner: Uint32Array;
	/** The first row of each owner. */
	readonly start: Uint32Array;
	/** How many rows each owner has. */
	readonly count: Uint32Array;
	readonly n: number;
	readonly d: number;
	readonly k: number;
}

/** Stack submissions and queries. Queries come last in a tie, so that rows committed at the same time are never held against them. */
export function stackEvidence(submissions: readonly Submission[], { d, k, queries }: Omit<DefenceContext, "path">): Evidence {
	const owners = [...submissions, queries];
	const order = owners.map((_, owner) => owner).sort((a, b) => (owners[a]?.committed ?? 0) - (owners[b]?.committed ?? 0));
	const count = Uint32Array.from(owners, ({ rows }) => rows.count);
	const n = count.reduce((sum, one) => sum + one, 0);
	const evidence = { x: new Uint8Array(n * d), label: new Uint8Array(n), owner: new Uint32Array(n), start: new Uint32Array(owners.length) };
	let position = 0;
	for (const owner of order) {
		const { rows } = owners[owner] as Submission;
		evidence.start[owner] = position;
		evidence.x.set(rows.x, position * d);
		evidence.label.set(rows.label, position);
		evidence.owner.fill(owner, position, position + rows.count);
		position += rows.count;
	}
	return { ...evidence, count, n, d, k };
}
