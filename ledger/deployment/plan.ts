/** The plan of a deployment, as a table: what each contract is given, and what it must show afterwards. A contract more is a row more. */
import { id } from "ethers";
import { type Addresses, type ContractName, contractNames, type factories, interfaces } from "../contracts.ts";

/** What a deployment is made with, as its file says it. */
export interface Terms {
	/** of the VerifierRouter, the Guardian, the StakeVault, the Datanets and the ComputeOperators: the timelock, or a key on a test chain */
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

const DAY = 86_400n;

type Factory<Name extends ContractName> = (typeof factories)[Name];
type Arguments<Name extends ContractName> = Parameters<InstanceType<Factory<Name>>["getDeployTransaction"]>;
type Getter<Name extends ContractName> = Exclude<Extract<keyof ReturnType<Factory<Name>["connect"]>, string>, keyof object>;

/** Bounds of fees that a deployment begins with, in basis points; governance sets others. Contributors get 45 % at least. */
const firstBounds = { treasury: 500, maxTrainer: 2_000, maxOperator: 3_000 };

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

/** The first policy of compute jobs; the owner of ComputeOperators sets later ones. Times in seconds, amounts in wei. */
export const jobPolicy = {
	/** probability of an audit, in parts of a million */
	auditRate: 50_000n,
	window: DAY,
	auditWindow: 3n * DAY,
	answerPeriod: 2n * DAY,
	margin: 10n * 10n ** 18n,
	minBond: 100n * 10n ** 18n,
	challengeBond: 50n * 10n ** 18n,
} as const;

/** The first services of the vault. A service more is a line more. */
export function services(at: Addresses): { readonly service: string; readonly terms: ServiceTerms }[] {
	const contributions = { unbonding: 0n, appealWindow: 0n, cap: 10_000n, challengerShare: 0n };
	const datanets = { unbonding: 7n * DAY, appealWindow: 3n * DAY, cap: 10_000n, challengerShare: 5_000n };
	// A verdict takes the bond of one job, as large as cheating in it requires: a cap below the whole would undo that.
	const jobs = { unbonding: 14n * DAY, appealWindow: 3n * DAY, cap: 10_000n, challengerShare: 5_000n };
	const disputes = { unbonding: 0n, appealWindow: 3n * DAY, cap: 10_000n, challengerShare: 5_000n };
	return [
		{ service: at.ContributionRegistry, terms: contributions },
		{ service: at.Datanets, terms: datanets },
		{ service: at.ComputeJobs, terms: jobs },
		{ service: at.ComputeDisputes, terms: disputes },
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
		shows: () => ({ getMinDelay: 2n * DAY, SLOW_DELAY: 7n * DAY }),
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
	ComputeOperators: {
		create: (at, { owner }) => [owner, at.Guardian, jobPolicy],
		shows: (at, { owner }) => ({ owner, guardian: at.Guardian }),
	},
	ComputeJobs: {
		create: (at) => [at.OpenToken, at.StakeVault, at.ComputeOperators, at.ComputeDisputes],
		shows: (at) => ({
			token: at.OpenToken,
			vault: at.StakeVault,
			operators: at.ComputeOperators,
			guardian: at.Guardian,
			disputes: at.ComputeDisputes,
		}),
	},
	ComputeDisputes: {
		create: (at) => [at.ComputeJobs, at.VerifierRouter],
		shows: (at, { owner }) => ({
			jobs: at.ComputeJobs,
			operators: at.ComputeOperators,
			router: at.VerifierRouter,
			vault: at.StakeVault,
			owner,
		}),
	},
	InferenceFees: {
		create: (at, { owner, treasury }) => [at.RewardDistributor, at.Guardian, treasury, owner, firstBounds],
		shows: (at, { owner, treasury }) => ({
			token: at.OpenToken,
			distributor: at.RewardDistributor,
			registry: at.ContributionRegistry,
			guardian: at.Guardian,
			treasury,
			owner,
		}),
		slow: ["setBounds"],
	},
	AccessGrants: {
		create: (at) => [at.ProvenanceRegistry],
		shows: (at) => ({ provenance: at.ProvenanceRegistry }),
	},
	OpenCirceLaunchpad: {
		create: (at, { owner, treasury }) => [at.OpenToken, at.VerifierRouter, at.Guardian, owner, treasury],
		shows: (at, { owner, treasury }) => ({ token: at.OpenToken, router: at.VerifierRouter, guardian: at.Guardian, owner, treasury }),
	},
	MatchingRounds: {
		create: (at, { owner, treasury }) => [at.OpenToken, at.Guardian, owner, treasury],
		shows: (at, { owner, treasury }) => ({ token: at.OpenToken, guardian: at.Guardian, owner, treasury }),
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
