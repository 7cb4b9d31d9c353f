import { id, parseEther, Wallet, ZeroAddress } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LedgerClient } from "./client.ts";
import { contributionContext, type EpochStatement, epochContext } from "./context.ts";
import { contractNames, contractsAt, verifierAt } from "./contracts.ts";
import { addVerifiers, checkDeployment } from "./deployment.ts";
import { LedgerError, type Revert } from "./errors.ts";
import { epochHistory, postedWords, replay } from "./events.ts";
import { claimOf, payoutRoot, payoutRoots } from "./payout-tree.ts";
import { rotationDigest, signRotation } from "./rotation.ts";
import { DELAY, House, PLACES, POOL, STAKE } from "./testing/house.ts";
import { R, type Statement, simulate, toy, toys } from "./testing/simulator.ts";

const ZERO = `0x${"0".repeat(64)}`;
let house: House;

beforeAll(async () => {
	house = await House.build(3);
}, 120_000);
afterAll(() => house?.devnet.close());

/** Runs what must be refused and returns the contract's reason. */
async function refusal(action: Promise<unknown>): Promise<Revert> {
	const error = await action.then(
		() => undefined,
		(thrown: unknown) => thrown,
	);
	expect(error).toBeInstanceOf(LedgerError);
	const { code, hint, revert } = error as LedgerError;
	expect(code).toBe("transaction.reverted");
	expect(hint).not.toBe("");
	return revert as Revert;
}

describe("deployment", () => {
	it("reports every transaction with its gas", () => {
		expect(house.steps.map(({ step }) => step)).toEqual(Array.from({ length: 1 + contractNames.length + 2 * 8 }, (_, i) => i + 1));
		for (const { gasUsed, hash } of house.steps) {
			expect(gasUsed).toBeGreaterThan(21_000n);
			expect(hash).toMatch(/^0x[0-9a-f]{64}$/);
		}
	});

	it("is what the chain says, byte for byte", async () => {
		const checks = await checkDeployment(
			house.provider,
			house.deployment,
			Object.values(toys).map(({ key }) => key),
		);
		expect(checks.filter(({ ok }) => !ok)).toEqual([]);
		expect(checks.filter(({ name }) => name.endsWith(": code"))).toHaveLength(contractNames.length + 8);
	}, 60_000);

	it("names what differs", async () => {
		const { contracts } = house.deployment;
		const altered = { ...house.deployment, contracts: { ...contracts, EpochBook: contracts.OpenToken } };
		const failed = (await checkDeployment(house.provider, altered)).filter(({ ok }) => !ok).map(({ name }) => name);
		expect(failed).toEqual([
			"EpochBook: address",
			"EpochBook: code",
			"EpochBook.registry",
			"EpochBook.router",
			"EpochBook.provenance",
			"RewardDistributor.book",
			"PayoutBook.book",
		]);
	});

	it("skips circuits that are registered", async () => {
		const signer = new Wallet(house.devnet.keys[0] as string, house.provider);
		const one = toys.payout.key;
		const bare = { ...house.deployment, verifiers: {} };
		const { deployment, steps } = await addVerifiers({ signer, deployment: bare, verificationKeys: [one, one] });
		expect(steps).toEqual([]);
		expect(deployment.verifiers[one.circuitId]).toEqual(house.deployment.verifiers[one.circuitId]);
	});

	it("refuses a key that does not fit its circuit id", async () => {
		const signer = new Wallet(house.devnet.keys[0] as string, house.provider);
		const key = { ...toy("other", ["x"], false).key, circuitId: toys.payout.key.circuitId.replace(/.$/, "0") as `0x${string}` };
		await expect(addVerifiers({ signer, deployment: house.deployment, verificationKeys: [key] })).rejects.toMatchObject({
			code: "input.invalid",
		});
	});
});

describe("contexts", () => {
	// The verifier sees the context only through the challenge, so an accepted proof shows that both sides agree; here each is held
	// against the formula in the contracts' documentation.
	it("differ by statement, epoch, contract, chain and sender", () => {
		const place = house.deployment;
		const all = (["query", "total", "query-total", "optimum", "score", "attribution", "payout"] as EpochStatement[]).map((statement) =>
			epochContext(place, statement, 1n),
		);
		all.push(
			epochContext(place, "payout", 2n),
			epochContext({ ...place, chainId: 1 }, "payout", 1n),
			epochContext({ ...place, contracts: { ...place.contracts, PayoutBook: place.contracts.OpenToken } }, "payout", 1n),
			contributionContext(place, 1n, house.steward.address),
			contributionContext(place, 1n, house.contributors[0]?.address as string),
		);
		expect(new Set(all).size).toBe(all.length);
	});
});

describe("an epoch", () => {
	let epoch: bigint;
	const [at, book] = [() => house.reader.phase(epoch), () => house.reader.book(epoch)];

	it("opens and takes contributions at the same time", async () => {
		epoch = await house.open();
		expect(await at()).toBe("Open");
		expect(await house.reader.policy(epoch)).toMatchObject({ capacity: 16, minStake: STAKE, funder: house.steward.address });
		for (const [place, contributor] of house.contributors.entries()) {
			const request = house.contribution(epoch, place, contributor);
			const outcome = await contributor.contribute(request);
			expect(outcome.index).toBe(place);
			expect(outcome.deposit?.gasUsed).toBeGreaterThan(0n);
			expect(outcome.logs.map(({ name }) => name)).toContain("Contributed");
			expect(await house.reader.contribution(epoch, place)).toMatchObject({
				wallet: contributor.address,
				contributor: contributor.address,
				stake: STAKE,
				rowsCommit: request.publics[0],
				statsCommit: request.publics[1],
				n: request.publics[2],
				transaction: outcome.hash,
			});
		}
		expect(await house.reader.contribution(epoch, 3)).toBeUndefined();
		expect(await house.reader.epoch(epoch)).toMatchObject({ count: 3, closed: false, rows: 33n });
		expect(await house.reader.isTaken(epoch, house.words(epoch)[0] as bigint)).toBe(true);
	});

	it("refuses a stake that is too low", async () => {
		const [contributor] = house.contributors as [LedgerClient];
		const request = { ...house.contribution(epoch, 7, contributor), stake: STAKE - 1n };
		expect(await refusal(contributor.contribute(request))).toEqual({ name: "StakeTooLow", args: { minimum: STAKE, actual: STAKE - 1n } });
	});

	it("refuses the proof of another sender", async () => {
		const [mine, theirs] = house.contributors as [LedgerClient, LedgerClient];
		expect((await refusal(mine.contribute(house.contribution(epoch, 7, theirs)))).name).toBe("ProofRejected");
	});

	it("refuses the same rows again", async () => {
		const [contributor] = house.contributors as [LedgerClient];
		expect((await refusal(contributor.contribute(house.contribution(epoch, 0, contributor)))).name).toBe("CommitTaken");
	});

	it("refuses a step in the wrong phase, with the phase by name", async () => {
		const [queries] = house.queries(epoch) as [Parameters<LedgerClient["postQueries"]>[0]];
		const error = await house.steward.postQueries(queries).catch((thrown: unknown) => thrown as LedgerError);
		expect(error).toMatchObject({ code: "transaction.reverted", revert: { name: "WrongPhase" } });
		expect((error as LedgerError).hint).toContain("phase Open");
		expect((error as LedgerError).hint).toContain("QueriesCommitted");
	});

	it("refuses to be closed by another than its steward", async () => {
		const [contributor] = house.contributors as [LedgerClient];
		expect(await refusal(contributor.closeEpoch(epoch))).toMatchObject({ name: "NotSteward", args: { steward: house.steward.address } });
	});

	it("takes a checkpoint over the list in its order only", async () => {
		await house.steward.closeEpoch(epoch);
		expect(await at()).toBe("Closed");
		const swap = ([page, ...rest]: Statement[]): Statement[] => {
			const [first, second] = (page as Statement).words as [bigint, bigint];
			return [{ ...(page as Statement), words: [second, first] }, ...rest];
		};
		const swapped = await house.checkpoint(epoch, swap);
		for (const page of swapped.pages) await house.steward.postTotal(page);
		expect((await refusal(house.steward.postCheckpoint(swapped.checkpoint))).name).toBe("ListMismatch");

		const { pages, checkpoint } = await house.checkpoint(epoch);
		const [first, second] = pages as [(typeof pages)[number], (typeof pages)[number]];
		const { transcript } = checkpoint;
		expect(await house.reader.joint(epoch, "Optimum", transcript)).toEqual({ pages: 0, queryPages: 0 });
		const aliased = first.words.map((word) => word + R);
		expect((await refusal(house.steward.postTotal({ ...first, words: aliased }))).name).toBe("NotInTranscript");
		await house.steward.postTotal(first);
		expect((await refusal(house.steward.postCheckpoint(checkpoint))).name).toBe("ListIncomplete");
		await house.steward.postTotal(second);
		expect(await house.reader.joint(epoch, "Optimum", transcript)).toEqual({ pages: 2, queryPages: 0 });
		await expect(house.steward.postCheckpoint({ ...checkpoint, links: [] })).rejects.toMatchObject({ code: "input.invalid" });
		await house.steward.postCheckpoint(checkpoint);
		expect(await at()).toBe("Checkpointed");
		expect(await book()).toMatchObject({ model: checkpoint.model, modelCommit: checkpoint.publics[0] });
		expect(await house.reader.record(checkpoint.model)).toMatchObject({
			kind: "Checkpoint",
			parent: checkpoint.manifest,
			status: "Active",
		});
		expect(await house.reader.record(id("nothing"))).toBeUndefined();
	});

	it("fixes and takes queries, and scores in pages", async () => {
		await house.commitQueries(epoch);
		const { model } = await book();
		const tip = await house.reader.logHead(model);
		expect(tip.sequence).toBe(1n);
		for (const [i, queries] of house.queries(epoch).entries()) {
			expect(await book()).toMatchObject({ phase: "QueriesCommitted", queries: i });
			await house.steward.postQueries(queries);
		}
		expect(await book()).toMatchObject({ phase: "QueriesPosted", queries: 2 });
		const { queries, pages, path } = house.scores(epoch);
		const foreign = house.scores(epoch, ([first, ...rest]) => [
			{ ...(first as Statement), context: epochContext(house.deployment, "query-total", epoch + 1n) },
			...rest,
		]);
		expect((await refusal(house.steward.postQueryTotal(foreign.queries))).name).toBe("NotInTranscript");
		await house.steward.postQueryTotal(queries);
		for (const page of pages) await house.steward.postScores(page);
		expect(await house.reader.joint(epoch, "Attribution", path.transcript)).toEqual({ pages: 2, queryPages: 1 });
		await house.steward.postAttribution(path);
		expect(await book()).toMatchObject({ phase: "Attributed", scoreCommit: house.scoreCommit(epoch) });
	});

	it("refuses every altered payout", async () => {
		await house.steward.fund({ epoch, amount: POOL });
		const [page] = house.payout(epoch) as [ReturnType<House["payout"]>[number]];
		const [first, second] = page.words as [bigint, bigint];
		const post = (words: bigint[]) => refusal(house.steward.postPayout({ ...page, words }));
		expect((await post([first, second + 1n])).name).toBe("ProofRejected");
		expect((await post([first + 1n, second])).name).toBe("SumMismatch");
		expect((await post([first + R, second])).name).toBe("WordMisplaced");
		expect((await post([second, first])).name).toBe("WordMisplaced");
		expect((await post([first])).name).toBe("WordCount");
		const { publics, words } = page;
		const foreign = { ...page, proof: simulate(house.statement("payout", epoch + 1n, { publics, words })) };
		expect((await refusal(house.steward.postPayout(foreign))).name).toBe("ProofRejected");
		const elsewhere = { ...house.deployment, chainId: 1 };
		expect(epochContext(elsewhere, "payout", epoch)).not.toBe(epochContext(house.deployment, "payout", epoch));
	});

	it("posts the payout with the roots that we compute", async () => {
		const pages = house.payout(epoch);
		const { words, dust } = house.payouts();
		const pending = () => house.reader.payoutPages(epoch, { pool: POOL, positive: pages[0]?.publics[4] as bigint, pageSize: PLACES });
		for (const [i, page] of pages.entries()) {
			expect(await pending()).toBe(i);
			expect(await house.reader.account(epoch)).toMatchObject({ status: "None", balance: POOL, count: 0, roots: [] });
			await house.steward.postPayout(page);
		}
		const account = await house.reader.account(epoch);
		expect(account.roots).toEqual(payoutRoots(epoch, words, PLACES));
		expect(account).toMatchObject({ status: "Posted", balance: POOL - dust, dust, count: 3, pageSize: PLACES });
		const early = await refusal(house.steward.claim(claimOf(epoch, words, 0, PLACES)));
		expect(early.name).toBe("NotActive");
	});

	it("moves a contribution to another wallet when both sign", async () => {
		const next = Wallet.createRandom();
		const from = new Wallet(house.devnet.keys[3] as string);
		const nonce = await house.reader.rotationNonce(from.address);
		const deadline = (await house.reader.now()) + 600n;
		const rotation = { epoch, index: 2, from: from.address, to: next.address, nonce, deadline };
		const fromSignature = await signRotation(from, house.deployment, rotation);
		const toSignature = await signRotation(next, house.deployment, rotation);
		const request = { epoch, index: 2, to: next.address, deadline, fromSignature, toSignature };
		expect((await refusal(house.steward.rotateWallet({ ...request, toSignature: fromSignature }))).args).toEqual({ signer: next.address });
		await house.steward.rotateWallet(request);
		expect((await house.reader.contribution(epoch, 2))?.wallet).toBe(next.address);
		expect(rotationDigest(house.deployment, rotation)).toMatch(/^0x[0-9a-f]{64}$/);
	});

	it("pays each word once and frees the stake", async () => {
		await house.wait(DELAY);
		const { words } = house.payouts();
		const [first, charged] = house.contributors as [LedgerClient, LedgerClient];
		const before = await house.reader.balance(first.address);
		expect((await refusal(house.steward.withdrawStake({ epoch, index: 0 }))).name).toBe("StakeLocked");
		await house.steward.claim(claimOf(epoch, words, 0, PLACES));
		expect(await house.reader.balance(first.address)).toBe(before + POOL / 2n);
		expect(await house.reader.isClaimed(epoch, 0)).toBe(true);
		expect(await refusal(house.steward.claim(claimOf(epoch, words, 0, PLACES)))).toEqual({
			name: "AlreadyClaimed",
			args: { epoch, index: 0n },
		});
		const forged = { ...claimOf(epoch, words, 2, PLACES), word: (words[2] as bigint) + 1n };
		expect((await refusal(house.steward.claim(forged))).name).toBe("ClaimInvalid");
		for (const index of [1, 2]) await house.steward.claim(claimOf(epoch, words, index, PLACES));
		expect((await house.reader.contribution(epoch, 1))?.stake).toBe(STAKE - parseEther("2"));
		const held = await house.reader.balance(charged.address);
		expect(await house.reader.stakeReleased(epoch, 1)).toBe(true);
		await house.steward.withdrawStake({ epoch, index: 1 });
		expect(await house.reader.balance(charged.address)).toBe(held + STAKE - parseEther("2"));
		expect((await refusal(house.steward.withdrawStake({ epoch, index: 1 }))).name).toBe("StakeEmpty");
	});

	it("carries its dust into the next epoch", async () => {
		const next = await house.open();
		await house.steward.carryDust({ from: epoch, to: next });
		expect((await house.reader.account(next)).balance).toBe(1n);
		expect((await refusal(house.steward.returnDust(epoch))).name).toBe("NothingToMove");
		const history = await epochHistory({ provider: house.provider, deployment: house.deployment, epoch: next, span: 7 });
		expect(history.money).toMatchObject({ funded: 0n, carriedIn: 1n, pool: 1n });
	});

	it("is the same when rebuilt from events alone", async () => {
		const history = await epochHistory({ provider: house.provider, deployment: house.deployment, epoch });
		const [state, posted, account] = await Promise.all([house.reader.epoch(epoch), book(), house.reader.account(epoch)]);
		expect(history.policy).toEqual(await house.reader.policy(epoch));
		expect(history.closed).toMatchObject({ count: state?.count, rows: state?.rows, list: state?.list });
		expect(history.checkpoint).toMatchObject({ model: posted.model, modelCommit: posted.modelCommit });
		expect(history.log?.id).toBe(posted.log);
		expect(history.queries.map(({ statsCommit }) => statsCommit)).toEqual(house.queries(epoch).map(({ publics }) => publics[1]));
		expect(history.attribution?.scoreCommit).toBe(posted.scoreCommit);
		expect(history.payout?.pages.map(({ root }) => root)).toEqual(account.roots);
		expect(history.payout).toMatchObject({ words: house.payouts().words, activatesAt: account.activatesAt });
		expect(history.money).toMatchObject({ pool: POOL, balance: account.balance, dust: account.dust, dustOut: 1n });
		for (const contribution of history.contributions) {
			const { wallet, stake, n } = (await house.reader.contribution(epoch, contribution.index)) ?? {};
			expect(contribution).toMatchObject({ wallet, stake, n });
			expect(contribution.staked).toBe(contribution.stake + contribution.charged + contribution.withdrawn + contribution.freed);
			expect(contribution.settled).toBeDefined();
		}
		expect(history.contributions.map(({ paid }) => paid)).toEqual([POOL / 2n, undefined, POOL / 2n]);
		expect(history.contributions.map(({ charged }) => charged)).toEqual([0n, parseEther("2"), 0n]);
	});

	it("finds the words in any data that holds the call", async () => {
		const { payout } = await epochHistory({ provider: house.provider, deployment: house.deployment, epoch });
		const { data } = (await house.provider.getTransaction(payout?.pages[0]?.transaction as string)) ?? { data: "0x" };
		const words = house.payouts().words.slice(0, PLACES);
		const root = payoutRoot(epoch, words);
		const wrapped = `0x1234${data.slice(2, 10)}${data.slice(2)}0000`;
		expect(postedWords(wrapped, epoch, root)).toEqual(words);
		expect(postedWords(wrapped, epoch + 1n, root)).toBeUndefined();
		expect(postedWords(data.slice(0, -64), epoch, root)).toBeUndefined();
		expect(postedWords("0x", epoch, root)).toBeUndefined();
	});

	it("is an error when an event is missing", async () => {
		expect(() => replay(9n, [])).toThrow(expect.objectContaining({ code: "events.incomplete" }));
		const absent = epochHistory({ provider: house.provider, deployment: house.deployment, epoch: 999n });
		await expect(absent).rejects.toMatchObject({ code: "events.incomplete" });
	});
});

describe("the ways back", () => {
	it("veto and refund", async () => {
		const epoch = await house.attributed();
		await house.steward.fund({ epoch, amount: POOL });
		await house.postPayout(epoch);
		await house.steward.veto({ epoch, reason: "a test" });
		const before = await house.reader.balance(house.steward.address);
		await house.steward.refund(epoch);
		expect(await house.reader.balance(house.steward.address)).toBe(before + POOL);
		await house.steward.withdrawStake({ epoch, index: 0 });
		const history = await epochHistory({ provider: house.provider, deployment: house.deployment, epoch });
		expect(history).toMatchObject({ veto: { reason: "a test" }, money: { returned: POOL, balance: 0n } });
		expect((await refusal(house.steward.refund(epoch))).name).toBe("WrongStatus");
	});

	it("dust to the funder, unclaimed words by sweep", async () => {
		const epoch = await house.attributed({ vetoer: ZeroAddress });
		await house.steward.fund({ epoch, amount: POOL });
		const { words, dust } = house.payouts();
		await house.postPayout(epoch);
		await house.wait(DELAY);
		await house.steward.returnDust(epoch);
		await house.steward.claim(claimOf(epoch, words, 0, PLACES));
		expect((await refusal(house.steward.sweep(epoch))).name).toBe("TooEarly");
		await house.wait(181 * 86_400);
		await house.steward.sweep(epoch);
		const { money } = await epochHistory({ provider: house.provider, deployment: house.deployment, epoch });
		expect(money).toEqual({
			...{ funded: POOL, carriedIn: 0n, pool: POOL, dustOut: dust, paid: POOL / 2n, returned: POOL / 2n },
			...{ balance: 0n, dust: 0n },
		});
		expect((await house.reader.account(epoch)).status).toBe("Swept");
	});
});

describe("two keys that do the same in one block", () => {
	it("one succeeds, the other hears why not", async () => {
		const epoch = await house.open();
		const [mine] = house.contributors as [LedgerClient];
		await mine.contribute(house.contribution(epoch, 0, mine));
		const stranger = house.contributors[1] as LedgerClient;
		await house.wait(31 * 86_400);
		await house.provider.send("evm_setAutomine", [false]);
		const both = [mine, stranger].map((client) => client.withdrawStake({ epoch, index: 0 }));
		const results = Promise.allSettled(both);
		while ((await house.provider.send("txpool_status", [])).pending !== "0x2") await new Promise((resolve) => setTimeout(resolve, 20));
		await house.provider.send("evm_setAutomine", [true]);
		await house.provider.send("evm_mine", []);
		const refused = (await results).filter((result) => result.status === "rejected");
		expect(refused).toHaveLength(1);
		expect(refused[0]?.reason).toMatchObject({
			code: "transaction.reverted",
			revert: { name: "StakeEmpty" },
			transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
		});
	});
});

describe("many sends from one key at once", () => {
	it("get numbers without a gap and all arrive", async () => {
		const before = await house.provider.getTransactionCount(house.steward.address);
		const to = Wallet.createRandom().address;
		const twin = await LedgerClient.open({
			deployment: house.deployment,
			signer: new Wallet(house.devnet.keys[0] as string, house.provider),
		});
		const outcomes = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? twin : house.steward).transfer({ to, amount: 1n })));
		expect(new Set(outcomes.map(({ hash }) => hash)).size).toBe(20);
		expect(await house.reader.balance(to)).toBe(20n);
		expect(await house.provider.getTransactionCount(house.steward.address)).toBe(before + 20);
	});

	it("keep allowances apart, and a refused one does not block the others", async () => {
		const epoch = await house.open();
		const [contributor] = house.contributors as [LedgerClient];
		const wrong = { ...house.contribution(epoch, 0, contributor), stake: 1n };
		const results = await Promise.allSettled([
			contributor.contribute(house.contribution(epoch, 1, contributor)),
			contributor.contribute(wrong),
			contributor.contribute(house.contribution(epoch, 2, contributor)),
		]);
		expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
		expect((await house.reader.epoch(epoch))?.count).toBe(2);
	});
});

describe("the contracts agree", () => {
	it("on record ids and typed data", async () => {
		const { provenance } = contractsAt(house.deployment.contracts, house.provider);
		const digest = id("agreement");
		const outcome = await house.steward.registerRecord({ kind: "Dataset", digest });
		expect(outcome.id).toBe(await provenance.recordId(house.steward.address, 1, digest));
		expect(await house.reader.record(outcome.id)).toMatchObject({ digest, parent: ZERO, author: house.steward.address, kind: "Dataset" });
		await house.steward.revokeRecord(outcome.id);
		expect((await house.reader.record(outcome.id))?.status).toBe("Revoked");
	});

	it("on the verifiers' own description", async () => {
		const { circuitId, id: statement } = toys.payout.key;
		const { verifier, status } = await house.reader.route(circuitId);
		expect(status).toBe("Active");
		expect(await verifierAt(verifier, house.provider).statement()).toBe(statement);
	});
});
