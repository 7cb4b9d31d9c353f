/**
 * One thing that a model was made from, or a model: what it is, by the digest of its content, whose it is and what it was made from.
 *
 * A node's id is keccak256 of its content: of its bytes, or of JSON made canonical (RFC 8785). That is the digest of the record that `openledger record
 * register` makes of the same file, of the kind in `RECORD_KINDS`, so a node and its record on chain name each other.
 */
import type { Digest } from "../../compute/digest.ts";
import { DataError } from "../../compute/errors.ts";

/** Kinds of nodes, each with the kind of its provenance record. */
export const RECORD_KINDS = {
	Dataset: "Dataset",
	DerivedDataset: "Dataset",
	ModelManifest: "ModelManifest",
	TrainingDescriptor: "TrainingDescriptor",
	Checkpoint: "Checkpoint",
	FineTune: "FineTune",
	Merge: "Checkpoint",
} as const;
export type NodeKind = keyof typeof RECORD_KINDS;

/** What the weights of a node's own contributors and of its parents add up to: parts per million. */
export const WHOLE = 1_000_000;
/** Parents, and contributors, of one node. */
export const MAX_FAN_IN = 1024;

/** Where a weight comes from: from the author, or from the scores of an attribution run. */
export type Basis = "declared" | "proven";

export interface Parent {
	readonly id: Digest;
	/** Parts per million of what the node earns. */
	readonly weight: number;
	readonly basis: Basis;
}

export interface Contributor {
	/** A name, or an address. */
	readonly name: string;
	/** Parts per million of what the node earns. */
	readonly weight: number;
}

/** A file of the lineage's folder. */
export interface Content {
	/** Relative, with slashes. */
	readonly path: string;
	/** What its digest is over: its bytes, or its JSON made canonical. */
	readonly as: "bytes" | "json";
}

export interface LineageNode {
	readonly id: Digest;
	/** For people; unique in a lineage. */
	readonly name: string;
	readonly kind: NodeKind;
	/** Null where the content is kept private: then its digest cannot be checked. */
	readonly content: Content | null;
	/** Id of its licence. */
	readonly licence: string;
	readonly contributors: readonly Contributor[];
	readonly parents: readonly Parent[];
	/** The attribution run that the proven weights follow from, by the digest of its bytes; null without such weights. */
	readonly run: { readonly id: Digest; readonly path: string } | null;
}

/** How many parents a kind has at least and at most. */
const PARENTS: Readonly<Record<NodeKind, readonly [number, number]>> = {
	Dataset: [0, 0],
	DerivedDataset: [1, MAX_FAN_IN],
	ModelManifest: [0, MAX_FAN_IN],
	TrainingDescriptor: [0, MAX_FAN_IN],
	Checkpoint: [0, MAX_FAN_IN],
	FineTune: [1, MAX_FAN_IN],
	Merge: [2, MAX_FAN_IN],
};

/**
 * A node as a file has it.
 * @param where - such as "nodes[3]", for the message
 * @throws {DataError} LINEAGE_MALFORMED
 */
export function parseNode(value: unknown, where: string): LineageNode {
	const fail = (place: string, expected: string, got: unknown): never => {
		const shown = typeof got === "string" ? `"${got}"` : got === undefined ? "nothing" : JSON.stringify(got);
		throw new DataError("LINEAGE_MALFORMED", `lineage: ${where}${place}: expected ${expected}, got ${shown}`, "Correct the file.");
	};
	const fields = (from: unknown, place: string, names: readonly string[]): Record<string, unknown> => {
		const found = Object(from) as Record<string, unknown>;
		if (from !== found || Array.isArray(from)) fail(place, "an object", from);
		const unknown = Object.keys(found).find((name) => !names.includes(name));
		if (unknown !== undefined) fail(place, `only ${names.join(", ")}`, unknown);
		return found;
	};
	const text = (from: unknown, place: string): string => (typeof from === "string" && from !== "" ? from : fail(place, "a text", from));
	const digest = (from: unknown, place: string): Digest =>
		typeof from === "string" && /^0x[0-9a-f]{64}$/.test(from) ? (from as Digest) : fail(place, "0x and 64 hex digits in lower case", from);
	const one = <T extends string>(from: unknown, place: string, of: readonly T[]): T =>
		of.includes(from as T) ? (from as T) : fail(place, of.join(" or "), from);
	const weight = (from: unknown, place: string): number =>
		Number.isInteger(from) && (from as number) >= 0 && (from as number) <= WHOLE
			? (from as number)
			: fail(place, `parts per million from 0 to ${WHOLE}`, from);
	const path = (from: unknown, place: string): string => {
		const found = text(from, place);
		const inside = !/^([/\\]|[a-zA-Z]:)/.test(found) && found.split(/[/\\]/).every((part) => part !== ".." && part !== "");
		return inside ? found : fail(place, "a path below the lineage's folder", found);
	};
	const list = <T>(from: unknown, place: string, item: (value: unknown, place: string) => T, key: (item: T) => string): T[] => {
		if (!Array.isArray(from) || from.length > MAX_FAN_IN)
			return fail(place, `a list of at most ${MAX_FAN_IN}`, Array.isArray(from) ? from.length : from);
		const items = from.map((entry, i) => item(entry, `${place}[${i}]`));
		const seen = new Set<string>();
		for (const entry of items.map(key)) {
			if (seen.has(entry)) fail(place, "each once", entry);
			seen.add(entry);
		}
		return items;
	};

	const node = fields(value, "", ["id", "name", "kind", "content", "licence", "contributors", "parents", "run"]);
	const kind = one(node.kind, ".kind", Object.keys(RECORD_KINDS) as NodeKind[]);
	const contributors = list(
		node.contributors,
		".contributors",
		(entry, place) => {
			const found = fields(entry, place, ["name", "weight"]);
			return { name: text(found.name, `${place}.name`), weight: weight(found.weight, `${place}.weight`) };
		},
		({ name }) => name,
	);
	const parents = list(
		node.parents,
		".parents",
		(entry, place): Parent => {
			const found = fields(entry, place, ["id", "weight", "basis"]);
			const basis = one(found.basis, `${place}.basis`, ["declared", "proven"]);
			return { id: digest(found.id, `${place}.id`), weight: weight(found.weight, `${place}.weight`), basis };
		},
		({ id }) => id,
	);
	const [least, most] = PARENTS[kind];
	if (parents.length < least || parents.length > most) {
		fail(".parents", most === 0 ? `none for a ${kind}` : `at least ${least} for a ${kind}`, parents.length);
	}
	const sum = [...contributors, ...parents].reduce((all, entry) => all + entry.weight, 0);
	if (sum !== WHOLE) fail("", `weights of contributors and parents that add up to ${WHOLE}`, sum);
	const isProven = parents.some(({ basis }) => basis === "proven");
	if (isProven !== (node.run !== null)) fail(".run", isProven ? "a run for the proven weights" : "null without proven weights", node.run);
	const run = node.run === null ? null : fields(node.run, ".run", ["id", "path"]);
	const content = node.content === null ? null : fields(node.content, ".content", ["path", "as"]);
	return {
		id: digest(node.id, ".id"),
		name: text(node.name, ".name"),
		kind,
		content: content && { path: path(content.path, ".content.path"), as: one(content.as, ".content.as", ["bytes", "json"]) },
		licence: text(node.licence, ".licence"),
		contributors,
		parents,
		run: run && { id: digest(run.id, ".run.id"), path: path(run.path, ".run.path") },
	};
}
