/** All files of one epoch that an audit reads. */
import type { ParameterSet } from "../../../circuits/parameters.ts";
import { needsWeights } from "../../../compute/backbone/manifest.ts";
import type { ContributorsFile, DatasetManifest, PayoutsFile, ProofFile } from "../bundle.ts";
import type { ScreeningFile } from "../screening.ts";
import type { Checkpoint, Evidence, Model, Policy, QueryLog, Training } from "./evidence.ts";

/** One epoch's part of a bundle. Proofs that come in pages are in their order. */
export interface EpochFiles {
	readonly set: ParameterSet;
	readonly policy: Policy;
	readonly screening: ScreeningFile;
	readonly datasets: readonly DatasetManifest[];
	readonly model: Model;
	/** The weights file of the backbone, where it has one. */
	readonly weights: Uint8Array | undefined;
	readonly training: Training;
	readonly checkpoint: Checkpoint;
	readonly log: QueryLog;
	readonly payouts: PayoutsFile;
	readonly contributors: ContributorsFile;
	readonly proofs: {
		readonly contributions: readonly ProofFile[];
		readonly totals: readonly ProofFile[];
		readonly optimum: ProofFile;
		readonly queries: readonly ProofFile[];
		readonly queryTotals: readonly ProofFile[];
		readonly scores: readonly ProofFile[];
		readonly attribution: ProofFile;
		readonly payouts: readonly ProofFile[];
	};
}

/** @throws EpochError BUNDLE_MISSING, FILE_DAMAGED; anything for a file of another shape */
export async function readEpoch(evidence: Evidence, epoch: bigint): Promise<EpochFiles> {
	const part = <T>(name: string): Promise<T> => evidence.part<T>(`epochs/${epoch}/${name}`);
	const proof = (name: string): Promise<ProofFile> => part(`proofs/${name}.json`);
	const pages = (name: string, things: number, capacity: number): Promise<ProofFile[]> =>
		Promise.all(Array.from({ length: Math.ceil(things / capacity) }, (_, i) => proof(`${name}-${i}`)));
	const policy = await part<Policy>("policy.json");
	const set = { ...policy.parameters, lambda: BigInt(policy.parameters.lambda) };
	const datasets = await part<readonly DatasetManifest[]>("datasets.json");
	const log = await part<QueryLog>("queries.json");
	const count = datasets.length;
	const model = await part<Model>("model.json");
	const queries = await pages("query", log.entries.length, set.queries);
	return {
		set,
		policy,
		screening: await part("screening.json"),
		datasets,
		log,
		model,
		weights: needsWeights(model.backbone) ? await evidence.bytes(`epochs/${epoch}/backbone.weights`) : undefined,
		training: await part("training.json"),
		checkpoint: await part("checkpoint.json"),
		payouts: await part("payouts.json"),
		contributors: await part("contributors.json"),
		proofs: {
			contributions: await pages("contribution", count, 1),
			totals: await pages("total", count, set.places),
			optimum: await proof("optimum"),
			queries,
			queryTotals: await pages("query-total", queries.length, set.queryPlaces),
			scores: await pages("score", count, set.places),
			attribution: await proof("attribution"),
			payouts: await pages("payout", count, set.places * set.payoutPages),
		},
	};
}
