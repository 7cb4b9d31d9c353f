/**
 * Verifies a bundle: every link from the rows' commitments to the payouts is derived again from the files, and, with a node, held against
 * the chain. Proofs are checked by the pairing of @noble/curves, which no prover uses.
 */
import { join } from "node:path";
import { ROLES } from "../../circuits/parameters.ts";
import { type Deployment, derived } from "../../ledger/deployment.ts";
import { parseVerificationKey } from "../../prover/verification-key.ts";
import { auditChain } from "./audit/chain.ts";
import { auditEpoch } from "./audit/epoch.ts";
import { Evidence } from "./audit/evidence.ts";
import { Findings, type Link, Stop } from "./audit/findings.ts";
import { same } from "./broken.ts";
import { bundleFiles, readIndex, sha256File } from "./bundle.ts";
import type { Progress } from "./progress.ts";

export interface AuditOptions {
	readonly folder: string;
	/** A node to hold the bundle against. */
	readonly rpc?: string | undefined;
	/** Ends with the first broken link instead of going on to the others. */
	readonly stopAtFirst?: boolean | undefined;
	readonly progress: Progress;
	readonly signal?: AbortSignal | undefined;
}

/**
 * Checks every link. A broken one does not stop the others, unless `stopAtFirst` says so.
 * @returns all links; the bundle is good if all are ok
 * @throws EpochError BUNDLE_MISSING, FILE_DAMAGED; LedgerError when the node does not answer
 */
export async function verifyBundle({ folder, rpc, stopAtFirst = false, progress, signal }: AuditOptions): Promise<Link[]> {
	const evidence = new Evidence(folder, await readIndex(folder));
	const findings = new Findings(stopAtFirst, progress, signal);
	try {
		await auditFiles(evidence, findings, folder);
		await auditKeys(evidence, findings);
		for (const epoch of evidence.index.epochs) {
			await findings.guard(`epoch ${epoch}`, () => auditEpoch(evidence, findings, BigInt(epoch)));
		}
		if (rpc !== undefined) {
			await findings.guard("chain", () => auditChain(evidence, findings, rpc));
		}
	} catch (error) {
		if (!(error instanceof Stop)) {
			throw error;
		}
	}
	return findings.links;
}

/** Every file is there, whole, and no other. */
async function auditFiles({ index }: Evidence, findings: Findings, folder: string): Promise<void> {
	const listed = Object.keys(index.files).sort();
	const found = (await bundleFiles(folder)).filter((path) => path !== "bundle.json");
	await findings.check("bundle", "files", async () => {
		same(
			"files that the index does not list",
			found.filter((path) => !listed.includes(path)),
			[],
		);
		same(
			"files that are missing",
			listed.filter((path) => !found.includes(path)),
			[],
		);
		const epochs = new Set(listed.flatMap((path) => /^epochs\/(\d+)\//.exec(path)?.[1] ?? []));
		same("the list of epochs", [...index.epochs].sort(), [...epochs].sort());
		for (const path of listed) {
			same(`SHA-256 of ${path}`, await sha256File(join(folder, path)), index.files[path]);
		}
		return `${listed.length} files`;
	});
}

/** The keys are what their circuit ids name, and the deployment knows them. */
async function auditKeys(evidence: Evidence, findings: Findings): Promise<void> {
	await findings.check("bundle", "deployment", async () => {
		const deployment = await evidence.part<Deployment>("deployment.json");
		same("schema", deployment.schema, "openledger.deployment.v1");
		same("chain id", deployment.chainId, evidence.index.chainId);
		const { salt, contracts } = derived(deployment);
		same("salt of the terms", deployment.salt, salt);
		same("addresses of sender and salt", deployment.contracts, contracts);
		evidence.deployment = deployment;
		return `chain ${deployment.chainId}`;
	});
	for (const role of ROLES) {
		await findings.check("bundle", `key ${role}`, async () => {
			const key = parseVerificationKey(await evidence.part(`keys/${role}.json`));
			evidence.keys.set(role, key);
			const registered = evidence.deployment.verifiers[key.circuitId];
			same("verifier of the circuit", { id: registered?.id, statement: registered?.statement }, { id: key.id, statement: key.statement });
			return key.development ? `${key.id} (development key: insecure)` : key.id;
		});
	}
}
