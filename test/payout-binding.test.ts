/** What a payout proof binds, and the roots over its words: contracts and TypeScript agree on anything that can be drawn. */

import { Contract, ContractFactory, Interface, toBeHex, Wallet } from "ethers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { contractsAt } from "../ledger/contracts.ts";
import { claimOf, payoutRoot, readWord } from "../ledger/payout-tree.ts";
import { House } from "../ledger/testing/house.ts";
import { digest, R, type Statement, simulate, toys } from "../ledger/testing/simulator.ts";
import { challengeOf } from "../prover/challenge.ts";
import { type Artifact, compile } from "../verifier-contracts/solc.ts";

let house: House;
beforeAll(async () => {
	house = await House.build(1);
}, 180_000);
afterAll(async () => {
	await house?.devnet.close();
});

const amount = fc.bigInt({ min: 0n, max: 2n ** 96n - 1n });
/** Words of the contributions from `first` on. */
const page = (most: number) =>
	fc
		.record({
			epoch: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
			first: fc.integer({ min: 0, max: 65_535 }),
			parts: fc.array(fc.tuple(amount, fc.boolean()), { minLength: 1, maxLength: most }),
		})
		.map(({ epoch, first, parts }) => ({
			epoch,
			first,
			words: parts.map(([wei, isCharge], i) => wei | (isCharge ? 1n << 96n : 0n) | (BigInt(first + i) << 128n)),
		}));

describe("the tree over a page", () => {
	const TREE = `// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;
import {PayoutTree} from "./src/PayoutTree.sol";
contract Tree {
	function read(uint256 epoch, uint256 first, uint256[] calldata words) external pure returns (bytes32 root, uint256 paid, bool placed) {
		return PayoutTree.read(epoch, first, words);
	}
	function climb(uint256 epoch, uint256 word, uint256 position, bytes32[] calldata proof) external pure returns (bytes32) {
		return PayoutTree.climb(epoch, word, position, proof);
	}
}`;
	let tree: Contract;
	beforeAll(async () => {
		const artifact = (await compile({ "Tree.sol": TREE }))["Tree.sol"]?.Tree as Artifact;
		const wallet = new Wallet(house.devnet.keys[0] as string, house.provider);
		const deployed = await new ContractFactory(artifact.abi as never, artifact.bytecode, wallet).deploy();
		await deployed.waitForDeployment();
		tree = new Contract(await deployed.getAddress(), new Interface(artifact.abi as never), house.provider);
	});

	test("is the same in Solidity, and so are the sum, the places and every claim", async () => {
		await fc.assert(
			fc.asyncProperty(page(70), fc.nat(), async ({ epoch, first, words }, pick) => {
				const [root, paid, placed] = await tree.getFunction("read")(epoch, first, words);
				expect(root).toBe(payoutRoot(epoch, words));
				const positive = words.map(readWord).filter(({ isCharge }) => !isCharge);
				expect(paid).toBe(positive.reduce((sum, word) => sum + word.amount, 0n));
				expect(placed).toBe(true);
				const index = pick % words.length;
				const { word, proof } = claimOf(epoch, words, index, 1024);
				expect(await tree.getFunction("climb")(epoch, word, index, proof)).toBe(root);
			}),
			{ seed: 5, numRuns: 60 },
		);
	});

	test("refuses the words that TypeScript refuses to read, and those of another place", async () => {
		await fc.assert(
			fc.asyncProperty(page(12), fc.nat(), fc.integer({ min: 97, max: 255 }), async ({ epoch, first, words }, pick, bit) => {
				const index = pick % words.length;
				const changed = words.map((word, i) => (i === index ? word ^ (1n << BigInt(bit)) : word));
				const [, , placed] = await tree.getFunction("read")(epoch, first, changed);
				expect(placed).toBe(false);
				const isIndexBit = bit >= 128 && bit < 160;
				if (isIndexBit) expect(readWord(changed[index] as bigint).index).not.toBe(first + index);
				else expect(() => readWord(changed[index] as bigint)).toThrow("expected a payout word");
			}),
			{ seed: 6, numRuns: 60 },
		);
	});
});

describe("a payout proof", () => {
	const signal = fc.bigInt({ min: 0n, max: R - 1n });
	const statement = fc
		.record({
			context: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }).map((value) => toBeHex(value, 32)),
			publics: fc.array(signal, { minLength: 7, maxLength: 7 }),
			page: page(9),
		})
		.map(({ page: { words }, ...rest }): Statement => ({ toy: toys.payout, words, ...rest }));

	/** The error that the route of payouts answers with; undefined when it accepts. */
	async function fault({ context, publics, words = [] }: Statement, proof: ReturnType<typeof simulate>): Promise<string | undefined> {
		const { router } = contractsAt(house.deployment.contracts, house.provider);
		try {
			await router.verify(toys.payout.key.circuitId, context, [...publics], [...words], proof as never);
			return undefined;
		} catch (error) {
			const { data } = error as { data: string };
			return ERRORS.parseError(data)?.name ?? data;
		}
	}
	const ERRORS = new Interface(["error ProofRejected()"]);

	test("has the challenge of the prover's reference, and binds context, publics and words to the bit", async () => {
		await fc.assert(
			fc.asyncProperty(statement, fc.nat(), fc.integer({ min: 0, max: 95 }), async (drawn, pick, bit) => {
				const proof = simulate(drawn);
				const fixed = {
					circuitId: toys.payout.key.circuitId as `0x${string}`,
					context: drawn.context as `0x${string}`,
					commitment: proof.commitment.map(String) as [string, string],
					publics: drawn.publics,
					words: drawn.words ?? [],
				};
				expect(challengeOf(fixed)).toBe(BigInt(digest(drawn)) % R);
				expect(await fault(drawn, proof)).toBeUndefined();

				const flip = (value: bigint) => value ^ (1n << BigInt(bit));
				const at = (list: readonly bigint[]) => list.map((value, i) => (i === pick % list.length ? flip(value) % R : value));
				const others: Statement[] = [
					{ ...drawn, context: toBeHex(flip(BigInt(drawn.context)), 32) },
					{ ...drawn, publics: at(drawn.publics) },
					{ ...drawn, words: at(drawn.words ?? []) },
					{ ...drawn, words: [...(drawn.words ?? []), 0n] },
				];
				for (const other of others) expect(await fault(other, proof)).toBe("ProofRejected");
			}),
			{ seed: 7, numRuns: 20 },
		);
	});
});
