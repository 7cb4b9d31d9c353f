/** The trained head, its records and the proof that it is the optimum. */
import { FIELD } from "../../../circuits/field.ts";
import { pagesOf } from "../../../circuits/page.ts";
import { epochStatements } from "../../../circuits/parameters.ts";
import { headExponent, optimumInstance } from "../../../circuits/statements/optimum.ts";
import { totalInstance } from "../../../circuits/statements/total.ts";
import { sumStatistics } from "../../../circuits/statistics.ts";
import { jsonDigest } from "../json.ts";
import type { MadeProof } from "../proofs.ts";
import type { Committed } from "./commit.ts";
import type { Turn } from "./turn.ts";

/**
 * Registers model, training and checkpoint, proves the head and posts it.
 * @param head exact, as the circuit takes it
 * @returns id of the checkpoint's record
 */
export async function postCheckpoint(
	turn: Turn,
	contributions: readonly Committed[],
	head: readonly bigint[],
	evaluation: { readonly accuracy: number; readonly loss: number },
): Promise<string> {
	const { epoch, steward } = turn;
	const { data, chain } = turn.parts;
	const { optimum, total } = epochStatements(data.set);
	const list = contributions.map(({ statistics }) => statistics);
	const model = {
		schema: "openledger.model.v1",
		backbone: data.backbone.manifest,
		quantisation: data.quantisation,
		classes: data.classes,
		epoch: epoch.toString(),
		head: { d: data.set.d, k: data.set.k, features: data.features, exponent: headExponent(optimum), lambda: data.set.lambda.toString() },
	};
	const manifest = await turn.record(steward, "ModelManifest", model);
	const instance = optimumInstance(optimum, sumStatistics(list, data.set.d, data.set.k), head, BigInt(manifest.digest) % FIELD);
	const training = {
		schema: "openledger.training.v1",
		model: manifest.digest,
		datasets: contributions.map((made) => jsonDigest(made.manifest)),
		loss: "squared loss with ridge lambda = K rows on Gram statistics",
		lambda: data.set.lambda.toString(),
		backend: turn.parts.backend.name,
		solver: "float64 Cholesky with exact residual refinement",
	};
	const trained = await turn.record(steward, "TrainingDescriptor", training, manifest.id);
	const checkpoint = {
		schema: "openledger.checkpoint.v1",
		training: trained.digest,
		modelCommit: (instance.publics[0] as bigint).toString(),
		head: head.map(String),
		evaluation: { rows: data.evaluation.count, ...evaluation },
	};
	const record = await turn.record(steward, "Checkpoint", checkpoint, manifest.id);
	await turn.write("model.json", model);
	if (data.backbone.weights !== undefined) await turn.writeBytes("backbone.weights", data.backbone.weights);
	await turn.write("training.json", training);
	await turn.write("checkpoint.json", checkpoint);
	const pages = pagesOf(list, total.places);
	const made = await turn.proveTogether("checkpoint", [
		...pages.map((page, i) => turn.plan("total", `total-${i}`, totalInstance(total, page))),
		turn.plan("optimum", "optimum", instance),
	]);
	const joined = made.pop() as MadeProof;
	if ((await chain.reader.phase(epoch)) === "Closed") {
		const { pages: posted } = await chain.reader.joint(epoch, "Optimum", joined.transcript);
		for (const page of made.slice(posted)) {
			await chain.act("postTotal", () => steward.postTotal({ epoch, ...page }));
		}
		await chain.act("postCheckpoint", () => steward.postCheckpoint({ epoch, manifest: manifest.id, model: record.id, ...joined }));
	}
	turn.report("checkpoint", pages.length + 1, pages.length + 1, "optimum proven and posted");
	return record.id;
}
