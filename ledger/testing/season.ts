/** A season in which something happens at every contract of a house. For tests of what follows from events alone. */
import { id as hash, keccak256, parseEther, Wallet } from "ethers";
import { ChannelClient } from "../channels.ts";
import { DatanetClient } from "../datanets.ts";
import { jobPolicy } from "../deployment/plan.ts";
import { FeeClient } from "../fees.ts";
import { GovernanceClient } from "../governance.ts";
import { GrantClient } from "../grants.ts";
import { GuardianClient } from "../guardian.ts";
import { JobClient } from "../jobs.ts";
import { LaunchpadClient } from "../launchpad.ts";
import { MatchingClient } from "../matching.ts";
import { OperatorClient } from "../operators.ts";
import { claimOf } from "../payout-tree.ts";
import { parseCall } from "../proposal.ts";
import { ReputationClient } from "../reputation.ts";
import { VaultClient } from "../vault.ts";
import { VaultReader } from "../vault-reader.ts";
import { signVoucher } from "../voucher.ts";
import { DELAY, type House, PLACES, POOL } from "./house.ts";
import { listedDatanet } from "./listed.ts";

export const DAY = 86_400;
const SALT = hash("salt");
const PUBLIC_KEY = "0x1234";

/** Plays it. Takes weeks of the chain's time. @param house with three contributors */
export async function playSeason(house: House): Promise<void> {
	for (const { address: to } of house.contributors) await house.steward.transfer({ to, amount: parseEther("10000") });
	await vote(house);
	const datanet = await listedDatanet(house);
	const epoch = await pay(house, datanet);
	await useModel(house, epoch);
	await dispute(house);
	await work(house);
	await grant(house);
	await channel(house);
	await fund(house);
	await guard(house);
}

/** What opens a client for an account of the house. */
function accountOf(house: House, account: number) {
	return { deployment: house.deployment, signer: new Wallet(house.devnet.keys[account] as string, house.provider) };
}

/** A proposal that changes quorum and table, and one that waits. */
async function vote(house: House): Promise<void> {
	const holder = await GovernanceClient.open(accountOf(house, 0));
	const calls = (...texts: string[]) => texts.map((text) => parseCall(house.deployment.contracts, text));
	await holder.delegate(holder.address);
	await house.wait(1);
	const changes = calls("OpenGovernor.updateQuorumNumerator(5)", "OpenTimelock.setSlow([[OpenToken, 0xa9059cbb]], true)");
	const { id, proposed } = await holder.propose({ calls: changes, description: "quorum" });
	await house.wait(DAY + 1);
	await holder.vote({ id, support: "for", reason: "more of us" });
	await house.wait(5 * DAY);
	await holder.queue(proposed);
	await house.wait(7 * DAY);
	await holder.execute(proposed);
	await holder.propose({ calls: calls("OpenToken.transfer(OpenTimelock, 1)"), description: "later" });
}

/** Two epochs: one of the datanet to its payout, with claims, a charge and reputation, and one that stays open. */
async function pay(house: House, datanet: bigint): Promise<bigint> {
	const epoch = await house.attributed({ datanet });
	await house.steward.fund({ epoch, amount: POOL });
	await house.postPayout(epoch);
	await house.wait(DELAY);
	const reputation = await ReputationClient.open(accountOf(house, 0));
	for (const index of [0, 1]) {
		const claim = claimOf(epoch, house.payouts().words, index, PLACES);
		await house.steward.claim(claim);
		await reputation.applyWord(claim);
	}
	const other = await house.open();
	const [first] = house.contributors;
	if (first !== undefined) await first.contribute(house.contribution(other, 0, first));
	const record = await house.steward.registerRecord({ kind: "Dataset", digest: hash("revoked") });
	await house.steward.revokeRecord(record.id);
	return epoch;
}

/** Fees of an epoch, split and claimed, and bounds that change. */
async function useModel(house: House, epoch: bigint): Promise<void> {
	const fees = await FeeClient.open(accountOf(house, 0));
	await fees.setSplit({ epoch, trainer: 1500, operator: 2500 });
	await house.wait(3 * DAY);
	const operator = house.contributors[1]?.address as string;
	await fees.payWithPermit({ epoch, amount: 10_000n, operator, entry: hash("entry") });
	await fees.claimFees(claimOf(epoch, house.payouts().words, 0, PLACES));
	await fees.withdraw(operator);
	await fees.setBounds({ treasury: 400, maxTrainer: 1000, maxOperator: 500 });
	await fees.payWithPermit({ epoch, amount: 777n, operator });
}

/** A challenge of the datanet's first submission that is dismissed: its bond is slashed, which is appealed and decided. One more stays open. */
async function dispute(house: House): Promise<void> {
	const owner = await DatanetClient.open(accountOf(house, 0));
	const challenger = await DatanetClient.open(accountOf(house, 2));
	const { challenge } = await challenger.challenge({ submission: 1n, evidence: hash("evidence"), uri: "ipfs://evidence" });
	await owner.decide({ challenge: challenge as bigint, upheld: false });
	await challenger.challenge({ submission: 3n, evidence: hash("evidence") });
	const { Datanets, ContributionRegistry } = house.deployment.contracts;
	const [vault, accused] = [await VaultClient.open(accountOf(house, 0)), await VaultClient.open(accountOf(house, 2))];
	const [found] = await new VaultReader(house).cases({ service: Datanets });
	const id = found?.id as bigint;
	await accused.appeal({ id, reason: "it is a copy" });
	await vault.decide({ id, upheld: true });
	await vault.collect();
	await accused.depositWithPermit({ service: Datanets, amount: 11n });
	await accused.unbond({ service: Datanets, amount: 4n });
	await accused.depositWithPermit({ service: ContributionRegistry, amount: 9n });
	await accused.unbond({ service: ContributionRegistry, amount: 2n });
}

/** A job that is paid, one whose operator concedes a challenge, one with a challenge that waits, and one that is cancelled. */
async function work(house: House): Promise<void> {
	const [owner, operator, other] = await Promise.all([0, 1, 2].map((i) => OperatorClient.open(accountOf(house, i))));
	const [requester, worker, challenger] = await Promise.all([0, 1, 2].map((i) => JobClient.open(accountOf(house, i))));
	if (owner === undefined || operator === undefined || other === undefined) throw new Error("expected three operators");
	if (requester === undefined || worker === undefined || challenger === undefined) throw new Error("expected three clients");
	await operator.register({ manifest: hash("manifest"), capabilities: 1 });
	await operator.setCapabilities({ manifest: hash("more"), capabilities: 3 });
	await other.register({ manifest: hash("other"), capabilities: 1 });
	const expiresAt = (await house.reader.now()) + BigInt(30 * DAY);
	for (const attester of [owner, other]) await attester.attest({ operator: operator.address, digest: hash("report"), expiresAt });
	await other.revokeAttestation(operator.address);
	await other.retire();

	const digests = [0, 1, 2].map((segment) => hash(`segment ${segment}`));
	const post = async () => {
		const deadline = (await house.reader.now()) + 3600n;
		const terms = { description: hash("description"), gain: parseEther("10"), price: parseEther("30"), deadline, segments: 3 };
		return (await requester.post(terms)).job as bigint;
	};
	const reveal = async () => {
		const job = await post();
		await worker.take(job);
		await worker.commit({ job, digests, salt: SALT });
		return job;
	};
	const jobs = [await reveal(), await reveal(), await reveal()] as const;
	await requester.cancel(await post());
	await house.provider.send("anvil_mine", ["0x40"]);
	await requester.draw(jobs[0]);
	await house.wait(3600);
	for (const job of jobs) await worker.reveal({ job, digests, salt: SALT });
	const challenged = async (job: bigint) =>
		(await challenger.challenge({ job, segment: 1, digests, claim: hash("claim") })).challenge as bigint;
	await worker.concede(await challenged(jobs[1]));
	await worker.contest(await challenged(jobs[2]));
	await house.wait(3 * DAY);
	await requester.settle(jobs[0]);
	await worker.withdraw();
	await owner.setPolicy({ ...jobPolicy, auditRate: 70_000n });
}

/** A dataset with two licences of which one is offered, a grant that was renewed, one that was revoked, and a request that waits. */
async function grant(house: House): Promise<void> {
	const author = await GrantClient.open(accountOf(house, 0));
	const others = await Promise.all([1, 2, 3].map((i) => GrantClient.open(accountOf(house, i))));
	const { id: dataset } = await house.steward.registerRecord({ kind: "Dataset", digest: hash("rows") });
	const { id: licence } = await house.steward.registerRecord({ kind: "Licence", digest: hash("research only") });
	const { id: second } = await house.steward.registerRecord({ kind: "Licence", digest: hash("commercial") });
	for (const offered of [licence, second]) await author.offer({ dataset, licence: offered });
	await author.offer({ dataset, licence: second, offered: false });
	for (const other of others) await other.request({ dataset, licence, publicKey: PUBLIC_KEY });
	const until = (await house.reader.now()) + BigInt(30 * DAY);
	const terms = { licence, publicKeyHash: keccak256(PUBLIC_KEY), until, encryptedKey: "0x5678" };
	const [first, next] = others.map(({ address }) => address) as [string, string, string];
	for (const grantee of [first, next]) await author.grant({ dataset, grantee, ...terms });
	await author.renew({ dataset, grantee: first, until: until + 1n });
	await author.revoke({ dataset, grantee: next });
}

/** A channel that was redeemed, and one that is closing. */
async function channel(house: House): Promise<void> {
	const { signer } = accountOf(house, 0);
	const payee = house.contributors[0]?.address as string;
	const payer = await ChannelClient.open(accountOf(house, 0));
	const opened = await payer.openWithPermit({ payee, delay: DAY, salt: hash("one"), amount: 10n });
	await payer.redeem(await signVoucher(signer, house.deployment, opened.key, 4n));
	const closing = await payer.openWithPermit({ payee, delay: DAY, salt: hash("two"), amount: 5n });
	await payer.startClose(closing.key);
}

/** A grant with a challenged milestone, and a round that ended. */
async function fund(house: House): Promise<void> {
	const launchpad = await LaunchpadClient.open(accountOf(house, 0));
	const matching = await MatchingClient.open(accountOf(house, 0));
	const recipient = launchpad.address;
	const now = await house.reader.now();
	const milestones = [1, 2].map((i) => ({ amount: parseEther(`${i}`), deadline: now + BigInt(40 * DAY), proof: undefined }));
	const { id: grant } = await launchpad.propose({ recipient, digest: hash("grant"), milestones });
	await launchpad.approve(grant);
	await launchpad.postEvidence({ grant, milestone: 0, evidence: hash("evidence") });
	await launchpad.challenge({ grant, milestone: 0, reason: hash("reason") });
	const terms = { startsAt: now + 100n, endsAt: now + 200n, settlesAt: now + 200n, multiple: 10_000, cap: parseEther("1") };
	const { round } = await matching.openRound({ terms, pool: parseEther("3") });
	const { id: project } = await matching.apply({ round: round as bigint, recipient, digest: hash("project") });
	await matching.admit(project);
	await house.wait(100);
	await matching.donate({ project, amount: 77n });
	await house.wait(100);
	await matching.withdraw(project);
}

/** Another member, whose pause the owner ends. */
async function guard(house: House): Promise<void> {
	const guardian = await GuardianClient.open(accountOf(house, 0));
	await guardian.appoint({ member: guardian.address, term: 30 * DAY });
	await guardian.pause({ duration: DAY, reason: "forged pages" });
	await guardian.resume();
}
