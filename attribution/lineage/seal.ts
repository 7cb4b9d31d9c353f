/**
 * One digest for a node and all that it was made from: ids, kinds, licences, contributors, weights and where these come from.
 *
 *     seal(v) = keccak256 of canonical JSON (RFC 8785) of {schema, id, kind, licence, run, contributors by name, parents by id, each with its seal}
 *
 * A content that changes changes its node's id; a weight that somebody alters later changes no id, but the seals of that node and all below it. Whoever kept a
 * seal, on chain say, sees it. Names and paths are not sealed.
 */
import { type Digest, jsonDigest } from "../../compute/digest.ts";
import type { Lineage } from "./lineage.ts";

/** The seal of every node. */
export function sealsOf({ order }: Lineage): Map<Digest, Digest> {
	const seals = new Map<Digest, Digest>();
	for (const { id, kind, licence, contributors, parents, run } of order) {
		const sealed = {
			schema: "openledger.lineage-seal.v1",
			...{ id, kind, licence, run: run?.id ?? null },
			contributors: contributors.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
			parents: parents.map((parent) => ({ ...parent, seal: seals.get(parent.id) as Digest })).sort((a, b) => (a.id < b.id ? -1 : 1)),
		};
		seals.set(id, jsonDigest(sealed));
	}
	return seals;
}
