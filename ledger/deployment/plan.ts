/** The plan of a deployment, as a table: what each contract is given, and what it must show afterwards. A contract more is a row more. */
import { id } from "ethers";
import { type Addresses, type ContractName, contractNames, type factories } from "../contracts.ts";

/** What a deployment is made with, as its file says it. */
export interface Terms {
	/** of the VerifierRouter and the Guardian: the timelock, or a key on a test chain */
	readonly owner: string;
	/** receives the whole token supply and charged stakes */
	readonly treasury: string;
	/** first member of the Guardian */
	readonly guardian: string;
	/** seconds of the member's term */
	readonly guardianTerm: number;
	/** seconds from a posted payout to the first claim */
	readonly activationDelay: number;
	/** code hashes of the verifiers that anybody may register */
	readonly initial: readonly string[];
}

type Factory<Name extends ContractName> = (typeof factories)[Name];
type Arguments<Name extends ContractName> = Parameters<InstanceType<Factory<Name>>["getDeployTransaction"]>;
type Getter<Name extends ContractName> = Exclude<Extract<keyof ReturnType<Factory<Name>["connect"]>, string>, keyof object>;

/** One contract of the plan. Addresses are known before anything is created, so it may name any other. */
export interface Row<Name extends ContractName> {
	/** for the constructor, in its order */
	readonly create: (at: Addresses, terms: Terms) => Arguments<Name>;
	/** getter -> what it must answer; every immutable that names another contract is here */
	readonly shows?: (at: Addresses, terms: Terms) => Partial<Record<Getter<Name>, string | number | bigint>>;
}

/** Contracts that a constructor asks stand in `contractNames` before the one that asks. */
export const plan: { readonly [Name in ContractName]: Row<Name> } = {
	OpenToken: {
		create: (_, { treasury }) => [treasury],
		shows: () => ({ totalSupply: 10n ** 27n }),
	},
	ProvenanceRegistry: { create: () => [] },
	VerifierRouter: {
		create: (at, { owner, initial }) => [owner, at.Guardian, [...initial]],
		shows: (at, { owner }) => ({ owner, guardian: at.Guardian }),
	},
	Guardian: {
		create: (at, { owner, guardian, guardianTerm }) => [owner, guardian, guardianTerm, at.VerifierRouter, at.RewardDistributor],
		shows: (at, { owner }) => ({ owner, router: at.VerifierRouter, distributor: at.RewardDistributor }),
	},
	ContributionRegistry: {
		create: (at, { treasury }) => [at.OpenToken, at.VerifierRouter, at.RewardDistributor, treasury],
		shows: (at, { treasury }) => ({ token: at.OpenToken, router: at.VerifierRouter, distributor: at.RewardDistributor, treasury }),
	},
	EpochBook: {
		create: (at) => [at.ContributionRegistry, at.ProvenanceRegistry],
		shows: (at) => ({ registry: at.ContributionRegistry, router: at.VerifierRouter, provenance: at.ProvenanceRegistry }),
	},
	RewardDistributor: {
		create: (at, { activationDelay }) => [at.EpochBook, activationDelay],
		shows: (at, { activationDelay }) => ({
			token: at.OpenToken,
			registry: at.ContributionRegistry,
			book: at.EpochBook,
			router: at.VerifierRouter,
			activationDelay,
		}),
	},
	PaymentChannels: {
		create: (at) => [at.OpenToken],
		shows: (at) => ({ token: at.OpenToken }),
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
	const { owner, treasury, guardian, guardianTerm, activationDelay, initial } = terms;
	return id(JSON.stringify([label, owner, treasury, guardian, guardianTerm, activationDelay, [...initial].sort()]));
}

/** The rows in the order of creation. Their arguments differ; together they are called with what the plan itself made, and nothing else. */
export const rows = contractNames.map((name) => [name, plan[name] as unknown as Row<ContractName>] as const);
