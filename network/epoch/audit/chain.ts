/** The same epochs as the chain tells them. */
import { ROLES } from "../../../circuits/parameters.ts";
import { contractsAt } from "../../../ledger/contracts.ts";
import { checkDeployment } from "../../../ledger/deployment.ts";
import { type EpochHistory, epochHistory } from "../../../ledger/events.ts";
import { connect } from "../../../ledger/node.ts";
import { recordId } from "../../../ledger/record.ts";
import { vaultHistory } from "../../../ledger/vault-history.ts";
import { Broken, same } from "../broken.ts";
import type { ContributorsFile, DatasetManifest, PayoutsFile, ProofFile, TransactionLine } from "../bundle.ts";
import { jsonDigest } from "../json.ts";
import type { Checkpoint, Evidence, Policy, QueryLog } from "./evidence.ts";
import type { Findings } from "./findings.ts";

/**
 * Holds a bundle against a node: contracts, verifiers, events and receipts.
 * @throws LedgerError when the node does not answer
 */
export async function auditChain(evidence: Evidence, findings: Findings, rpc: string): Promise<void> {
	const { deployment } = evidence;
	const provider = await connect({ url: rpc, chainId: deployment.chainId });
	try {
		const checks = await checkDeployment(provider, deployment, [...evidence.keys.values()]);
		await findings.check("chain", "contracts and verifiers", async () => {
			const failed = checks.find(({ ok }) => !ok);
			if (failed !== undefined) {
				throw new Broken(`${failed.name}: ${failed.detail}`);
			}
			return `${checks.length} checks`;
		});
		await findings.check("chain", "stakes in the vault", async () => {
			const { held } = await vaultHistory({ provider, deployment });
			const { token } = contractsAt(deployment.contracts, provider);
			const balance = await token.balanceOf(deployment.contracts.StakeVault);
			if (balance < held) {
				throw new Broken(`the vault owes ${held} wei, and holds ${balance}`);
			}
			return `${held} wei in accounts, cases and credits; ${balance} wei there`;
		});
		for (const id of evidence.index.epochs) {
			const epoch = BigInt(id);
			const at = (name: string): string => `epochs/${epoch}/${name}`;
			await findings.check("chain", `events of epoch ${epoch}`, async () => {
				const history = await epochHistory({ provider, deployment, epoch });
				await compare(evidence, history, at);
				return `${history.contributions.length} contributions, roots ${history.payout?.pages.map(({ root }) => root).join(" ")}`;
			});
			await findings.check("chain", `transactions of epoch ${epoch}`, async () => {
				const lines = await evidence.part<TransactionLine[]>(at("transactions.json"));
				for (const line of lines) {
					const receipt = await provider.getTransactionReceipt(line.hash);
					same(
						`receipt of ${line.action} ${line.hash}`,
						receipt === null ? "none" : [receipt.status, receipt.blockNumber, receipt.gasUsed.toString()],
						[1, line.block, line.gasUsed],
					);
				}
				return `${lines.length} receipts`;
			});
		}
	} finally {
		provider.destroy();
	}
}

async function compare(evidence: Evidence, history: EpochHistory, at: (name: string) => string): Promise<void> {
	const policy = await evidence.part<Policy>(at("policy.json"));
	const datasets = await evidence.part<DatasetManifest[]>(at("datasets.json"));
	const proofs = (name: string): Promise<ProofFile> => evidence.part(at(`proofs/${name}.json`));
	const files = await evidence.part<PayoutsFile>(at("payouts.json"));
	same("policy", history.policy.policyDigest, jsonDigest(policy));
	same("steward", history.steward, policy.steward);
	same(
		"circuits",
		[...history.policy.circuits],
		ROLES.map((role) => evidence.key(role).circuitId),
	);
	for (const [i, dataset] of datasets.entries()) {
		const contribution = history.contributions[i];
		const { publics } = await proofs(`contribution-${i}`);
		same(
			`contribution ${i}`,
			[
				contribution?.contributor,
				contribution?.datasetDigest,
				String(contribution?.rowsCommit),
				String(contribution?.statsCommit),
				String(contribution?.n),
			],
			[dataset.contributor, jsonDigest(dataset), publics.rowsCommit, publics.statsCommit, publics.rows],
		);
	}
	same("number of contributions", history.contributions.length, datasets.length);
	const checkpoint = await evidence.part<Checkpoint>(at("checkpoint.json"));
	same(
		"checkpoint",
		[history.checkpoint?.model, String(history.checkpoint?.modelCommit)],
		[recordId(policy.steward, "Checkpoint", jsonDigest(checkpoint)), checkpoint.modelCommit],
	);
	const log = await evidence.part<QueryLog>(at("queries.json"));
	same("query log", history.log?.root, jsonDigest(log));
	const queries = await Promise.all(log.rowsCommits.map((_, i) => proofs(`query-${i}`)));
	same(
		"queries",
		history.queries.map(({ rowsCommit, statsCommit }) => [rowsCommit, statsCommit].map(String)),
		queries.map(({ publics }) => [publics.rowsCommit, publics.statsCommit]),
	);
	const lastPage = Math.ceil(datasets.length / policy.parameters.places) - 1;
	same("scores", String(history.attribution?.scoreCommit), (await proofs(`score-${lastPage}`)).publics.scoreCommit);
	same(
		"payout",
		[
			history.payout?.pages.map(({ root }) => root),
			String(history.payout?.pool),
			String(history.payout?.dust),
			history.payout?.words?.map(String),
		],
		[files.roots, files.pool, files.dust, files.words],
	);
	const { contributors } = await evidence.part<ContributorsFile>(at("contributors.json"));
	for (const line of contributors) {
		const contribution = history.contributions[line.index];
		same(
			`account of contribution ${line.index}`,
			[line.paid, line.charged, line.stakeReturned, line.claimed, line.transaction],
			[
				String(contribution?.paid ?? 0n),
				String(contribution?.charged),
				String(contribution?.withdrawn),
				contribution?.settled !== undefined,
				contribution?.settled ?? null,
			],
		);
	}
}
