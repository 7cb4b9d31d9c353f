/** The plan of a deployment, as a table: what each contract is given, and what it must show afterwards. A contract more is a row more. */
import { id } from "ethers";
import { type Addresses, type ContractName, contractNames, type factories, interfaces } from "../contracts.ts";

/** What a deployment is made with, as its file says it. */
export interface Terms {
	/** of the VerifierRouter, the Guardian, the StakeVault and the Datanets: the timelock, or a key on a test chain */
	readonly owner: string;
	/** receives the whole token supply and charged stakes */
	readonly treasury: string;
	/** first member of the Guardian */
	readonly guardian: string;
	/** seconds of the member's term */
	readonly guardianTerm: number;
	/** seconds from a posted payout to the first claim */
	readonly activationDelay: number;
	/** votes for the treasury while the timelock is the treasury; the zero address: nobody does */
	readonly delegate: string;
	/** code hashes of the verifiers that anybody may register */
	readonly initial: readonly string[];
}

const DAY = 86_400;

type Factory<Name extends ContractName> = (typeof factories)[Name];
type Arguments<Name extends ContractName> = Parameters<InstanceType<Factory<Name>>["getDeployTransaction"]>;
type Getter<Name extends ContractName> = Exclude<Extract<keyof ReturnType<Factory<Name>["connect"]>, string>, keyof object>;

/** One contract of the plan. Addresses are known before anything is created, so it may name any other. */
export interface Row<Name extends ContractName> {
	/** for the constructor, in its order */
	readonly create: (at: Addresses, terms: Terms) => Arguments<Name>;
	/** getter -> what it must answer; every immutable that names another contract is here */
	readonly shows?: (at: Addresses, terms: Terms) => Partial<Record<Getter<Name>, string | number | bigint>>;
	/** functions that the timelock calls after seven days, not two */
	readonly slow?: readonly Getter<Name>[];
}

/** What a service of the StakeVault may do with the stake deposited for it. Times in seconds, shares in basis points. */
export interface ServiceTerms {
	/** from unbonding to withdrawal; 0: free stake is paid out at once */
	readonly unbonding: bigint;
	/** in which the accused may appeal; 0: a verdict is settled at once */
	readonly appealWindow: bigint;
	/** the most that one case takes of an account */
	readonly cap: bigint;
	/** of what a case takes; the rest is the treasury's */
	readonly challengerShare: bigint;
}

/** The first services of the vault. A service more is a line more. */
export function services(at: Addresses): { readonly service: string; readonly terms: ServiceTerms }[] {
	const contributions = { unbonding: 0n, appealWindow: 0n, cap: 10_000n, challengerShare: 0n };
	const datanets = { unbonding: BigInt(7 * DAY), appealWindow: BigInt(3 * DAY), cap: 10_000n, challengerShare: 5_000n };
	return [
		{ service: at.ContributionRegistry, terms: contributions },
		{ service: at.Datanets, terms: datanets },
	];
}

/** Contracts that a constructor asks stand in `contractNames` before the one that asks. */
export const plan: { readonly [Name in ContractName]: Row<Name> } = {
	OpenToken: {
		create: (_, { treasury }) => [treasury],
		shows: () => ({ totalSupply: 10n ** 27n }),
	},
	OpenTimelock: {
		create: (at, { delegate }) => [at.OpenGovernor, at.OpenToken, delegate, slowCalls(at)],
		shows: () => ({ getMinDelay: 2 * DAY, SLOW_DELAY: 7 * DAY }),
	},
	OpenGovernor: {
		create: (at) => [at.OpenToken, at.OpenTimelock],
		shows: (at) => ({ token: at.OpenToken, timelock: at.OpenTimelock }),
		// What the governor calls as itself goes by its own name; its settings decide who may propose and when a vote counts.
		slow: ["relay", "setVotingDelay", "setVotingPeriod", "setProposalThreshold", "updateQuorumNumerator", "setLateQuorumVoteExtension"],
	},
	ProvenanceRegistry: { create: () => [] },
	VerifierRouter: {
		create: (at, { owner, initial }) => [owner, at.Guardian, [...initial]],
		shows: (at, { owner }) => ({ owner, guardian: at.Guardian }),
		slow: ["register", "transferOwnership", "renounceOwnership"],
	},
	Guardian: {
		create: (at, { owner, guardian, guardianTerm }) => [owner, guardian, guardianTerm, at.VerifierRouter, at.RewardDistributor],
		shows: (at, { owner }) => ({ owner, router: at.VerifierRouter, distributor: at.RewardDistributor }),
	},
	StakeVault: {
		create: (at, { owner, treasury }) => [at.OpenToken, owner, treasury, services(at)],
		shows: (at, { owner, treasury }) => ({ token: at.OpenToken, owner, treasury }),
		slow: ["registerService", "retireService"],
	},
	Datanets: {
		create: (at, { owner }) => [at.StakeVault, at.ProvenanceRegistry, at.VerifierRouter, at.Guardian, owner],
		shows: (at, { owner }) => ({
			vault: at.StakeVault,
			provenance: at.ProvenanceRegistry,
			router: at.VerifierRouter,
			guardian: at.Guardian,
			owner,
		}),
	},
	ContributionRegistry: {
		create: (at) => [at.VerifierRouter, at.StakeVault, at.RewardDistributor, at.Datanets, at.Guardian],
		shows: (at) => ({
			router: at.VerifierRouter,
			vault: at.StakeVault,
			distributor: at.RewardDistributor,
			datanets: at.Datanets,
			guardian: at.Guardian,
		}),
	},
	EpochBook: {
		create: (at) => [at.ContributionRegistry, at.ProvenanceRegistry],
		shows: (at) => ({ registry: at.ContributionRegistry, router: at.VerifierRouter, provenance: at.ProvenanceRegistry }),
	},
	RewardDistributor: {
		create: (at, { activationDelay }) => [at.EpochBook, at.PayoutBook, activationDelay, at.Guardian],
		shows: (at, { activationDelay }) => ({
			token: at.OpenToken,
			registry: at.ContributionRegistry,
			book: at.EpochBook,
			payouts: at.PayoutBook,
			guardian: at.Guardian,
			activationDelay,
		}),
	},
	PayoutBook: {
		create: (at) => [at.RewardDistributor],
		shows: (at) => ({
			distributor: at.RewardDistributor,
			registry: at.ContributionRegistry,
			book: at.EpochBook,
			router: at.VerifierRouter,
		}),
	},
	Reputation: {
		create: (at) => [at.RewardDistributor],
		shows: (at) => ({ distributor: at.RewardDistributor, registry: at.ContributionRegistry, datanets: at.Datanets }),
	},
	PaymentChannels: {
		create: (at) => [at.OpenToken],
		shows: (at) => ({ token: at.OpenToken }),
	},
};

/**
 * The salt of a deployment: other terms, other addresses. So a deployment that is continued has the terms that it began with, and two
 * deployments of one key never mix.
 *
 * @param terms the owner as "timelock" where it is the timelock of the deployment itself, and the treasury likewise
 * @param label tells deployments with the same terms apart
 */
export function saltOf(terms: Terms, label: string): string {
	const { owner, treasury, guardian, guardianTerm, activationDelay, delegate, initial } = terms;
	return id(JSON.stringify([label, owner, treasury, guardian, guardianTerm, activationDelay, delegate, [...initial].sort()]));
}

/** The rows in the order of creation. Their arguments differ; together they are called with what the plan itself made, and nothing else. */
export const rows = contractNames.map((name) => [name, plan[name] as unknown as Row<ContractName>] as const);

/** The functions of the plan that are slow. */
export function slowCalls(at: Addresses): { contract: ContractName; name: string; target: string; selector: string }[] {
	return rows.flatMap(([contract, { slow = [] }]) =>
		slow.map((name) => ({ contract, name, target: at[contract], selector: interfaces[contract].getFunction(name)?.selector as string })),
	);
}
