/** The deployed contracts as typed ethers objects. */
import type { ContractRunner, Interface } from "ethers";
import { ContributionRegistry__factory } from "../verifier-contracts/generated/types/factories/ContributionRegistry__factory.ts";
import { Datanets__factory } from "../verifier-contracts/generated/types/factories/Datanets__factory.ts";
import { Deployer__factory } from "../verifier-contracts/generated/types/factories/Deployer__factory.ts";
import { EpochBook__factory } from "../verifier-contracts/generated/types/factories/EpochBook__factory.ts";
import { Guardian__factory } from "../verifier-contracts/generated/types/factories/Guardian__factory.ts";
import { IVerifier__factory } from "../verifier-contracts/generated/types/factories/IVerifier__factory.ts";
import { OpenGovernor__factory } from "../verifier-contracts/generated/types/factories/OpenGovernor__factory.ts";
import { OpenTimelock__factory } from "../verifier-contracts/generated/types/factories/OpenTimelock__factory.ts";
import { OpenToken__factory } from "../verifier-contracts/generated/types/factories/OpenToken__factory.ts";
import { PaymentChannels__factory } from "../verifier-contracts/generated/types/factories/PaymentChannels__factory.ts";
import { PayoutBook__factory } from "../verifier-contracts/generated/types/factories/PayoutBook__factory.ts";
import { ProvenanceRegistry__factory } from "../verifier-contracts/generated/types/factories/ProvenanceRegistry__factory.ts";
import { Reputation__factory } from "../verifier-contracts/generated/types/factories/Reputation__factory.ts";
import { RewardDistributor__factory } from "../verifier-contracts/generated/types/factories/RewardDistributor__factory.ts";
import { StakeVault__factory } from "../verifier-contracts/generated/types/factories/StakeVault__factory.ts";
import { VerifierRouter__factory } from "../verifier-contracts/generated/types/factories/VerifierRouter__factory.ts";

/** The contracts of a deployment, in the order in which they are deployed. */
export const contractNames = [
	"OpenToken",
	"OpenTimelock",
	"OpenGovernor",
	"ProvenanceRegistry",
	"VerifierRouter",
	"Guardian",
	"StakeVault",
	"Datanets",
	"ContributionRegistry",
	"EpochBook",
	"RewardDistributor",
	"PayoutBook",
	"Reputation",
	"PaymentChannels",
] as const;
export type ContractName = (typeof contractNames)[number];

/** Address of each contract. */
export type Addresses = Readonly<Record<ContractName, string>>;

/** ABI and creation code of each contract. */
export const factories = {
	OpenToken: OpenToken__factory,
	OpenTimelock: OpenTimelock__factory,
	OpenGovernor: OpenGovernor__factory,
	ProvenanceRegistry: ProvenanceRegistry__factory,
	VerifierRouter: VerifierRouter__factory,
	Guardian: Guardian__factory,
	StakeVault: StakeVault__factory,
	Datanets: Datanets__factory,
	ContributionRegistry: ContributionRegistry__factory,
	EpochBook: EpochBook__factory,
	RewardDistributor: RewardDistributor__factory,
	PayoutBook: PayoutBook__factory,
	Reputation: Reputation__factory,
	PaymentChannels: PaymentChannels__factory,
} as const;

/** The parsed ABI of each contract. */
export const interfaces: Readonly<Record<ContractName, Interface>> = {
	OpenToken: OpenToken__factory.createInterface(),
	OpenTimelock: OpenTimelock__factory.createInterface(),
	OpenGovernor: OpenGovernor__factory.createInterface(),
	ProvenanceRegistry: ProvenanceRegistry__factory.createInterface(),
	VerifierRouter: VerifierRouter__factory.createInterface(),
	Guardian: Guardian__factory.createInterface(),
	StakeVault: StakeVault__factory.createInterface(),
	Datanets: Datanets__factory.createInterface(),
	ContributionRegistry: ContributionRegistry__factory.createInterface(),
	EpochBook: EpochBook__factory.createInterface(),
	RewardDistributor: RewardDistributor__factory.createInterface(),
	PayoutBook: PayoutBook__factory.createInterface(),
	Reputation: Reputation__factory.createInterface(),
	PaymentChannels: PaymentChannels__factory.createInterface(),
};

/** ABI and creation code of the contract that creates the others. */
export const Deployer: typeof Deployer__factory = Deployer__factory;

/** The parsed ABI of every verifier. */
export const verifierInterface: Interface = IVerifier__factory.createInterface();

export type Contracts = ReturnType<typeof contractsAt>;

/**
 * The contracts of a deployment, ready to call.
 *
 * @param addresses where they are
 * @param runner provider or signer for the calls
 */
export function contractsAt(addresses: Addresses, runner: ContractRunner) {
	return {
		token: OpenToken__factory.connect(addresses.OpenToken, runner),
		timelock: OpenTimelock__factory.connect(addresses.OpenTimelock, runner),
		governor: OpenGovernor__factory.connect(addresses.OpenGovernor, runner),
		provenance: ProvenanceRegistry__factory.connect(addresses.ProvenanceRegistry, runner),
		router: VerifierRouter__factory.connect(addresses.VerifierRouter, runner),
		guardian: Guardian__factory.connect(addresses.Guardian, runner),
		vault: StakeVault__factory.connect(addresses.StakeVault, runner),
		datanets: Datanets__factory.connect(addresses.Datanets, runner),
		registry: ContributionRegistry__factory.connect(addresses.ContributionRegistry, runner),
		book: EpochBook__factory.connect(addresses.EpochBook, runner),
		distributor: RewardDistributor__factory.connect(addresses.RewardDistributor, runner),
		payouts: PayoutBook__factory.connect(addresses.PayoutBook, runner),
		reputation: Reputation__factory.connect(addresses.Reputation, runner),
		channels: PaymentChannels__factory.connect(addresses.PaymentChannels, runner),
	};
}

/** The contract that creates the others, ready to call. */
export function deployerAt(address: string, runner: ContractRunner) {
	return Deployer__factory.connect(address, runner);
}

/** One verifier, ready to call. */
export function verifierAt(address: string, runner: ContractRunner) {
	return IVerifier__factory.connect(address, runner);
}
