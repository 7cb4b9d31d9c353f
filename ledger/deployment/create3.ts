/** Addresses that are known beforehand: the Deployer, and what it creates. See `verifier-contracts/src/Deployer.sol`. */
import {
	AbiCoder,
	getCreate2Address,
	getCreateAddress,
	type JsonRpcApiProvider,
	keccak256,
	type Provider,
	Transaction,
	ZeroHash,
} from "ethers";
import { type Addresses, contractNames, Deployer } from "../contracts.ts";
import { decodeError, LedgerError } from "../errors.ts";
import { DEVNET_CHAIN } from "../node.ts";
import type { Sender } from "../sender.ts";

/** The CREATE2 proxy that stands at this address on nearly every chain: salt, then creation code. */
export const CREATE2_PROXY = "0x4e59b44847b379578588920cA78FbF26c0B4956C";
/** Creates {@link CREATE2_PROXY} on any chain that takes transactions without a chain id: nobody knows the sender's key. */
const PROXY_TRANSACTION = `0xf8a58085174876e800830186a08080b853604580600e600039806000f350fe7f${"f".repeat(62)}e03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf31ba0${"2".repeat(64)}a0${"2".repeat(64)}`;
/** keccak256 of the creation code of OpenZeppelin's CREATE3 proxy. */
const CREATE3_HASH = "0x57a34f6e879358dd76825d6700df87013ad6a3fb43c0d0c602f70a8772c153bd";

/** Where the Deployer is, on every chain. */
export const DEPLOYER: string = getCreate2Address(CREATE2_PROXY, ZeroHash, keccak256(Deployer.bytecode));

/**
 * Where a contract is or will be.
 *
 * @param sender who has the Deployer create it
 * @param name such as "EpochBook"
 * @param salt of the deployment
 */
export function create3Address(sender: string, name: string, salt: string): string {
	const inner = keccak256(AbiCoder.defaultAbiCoder().encode(["address", "string", "bytes32"], [sender, name, salt]));
	return getCreateAddress({ from: getCreate2Address(DEPLOYER, inner, CREATE3_HASH), nonce: 1 });
}

/** Where all contracts of a deployment are or will be. */
export function addressesOf(sender: string, salt: string): Addresses {
	return Object.fromEntries(contractNames.map((name) => [name, create3Address(sender, name, salt)])) as Addresses;
}

/** What creates a contract through the Deployer. @param code creation code with the arguments */
export function creation(name: string, salt: string, code: string): { to: string; data: string } {
	return { to: DEPLOYER, data: Deployer.createInterface().encodeFunctionData("deploy", [name, salt, code]) };
}

/** What creates the Deployer. */
export const deployerCreation: { readonly to: string; readonly data: string } = {
	to: CREATE2_PROXY,
	data: ZeroHash + Deployer.bytecode.slice(2),
};

/**
 * Makes sure that the CREATE2 proxy is there: puts it on a test chain that lacks it.
 *
 * @throws LedgerError `deployment.invalid` on any other chain without it
 */
export async function ensureProxy(sender: Sender, provider: Provider): Promise<void> {
	if ((await provider.getCode(CREATE2_PROXY)) !== "0x") return;
	const { chainId } = await provider.getNetwork();
	if (Number(chainId) !== DEVNET_CHAIN) {
		throw new LedgerError("deployment.invalid", `deploy: expected the CREATE2 proxy at ${CREATE2_PROXY} on chain ${chainId}, got no code`, {
			hint: "Have the chain's operators put it there (github.com/Arachnid/deterministic-deployment-proxy); addresses follow from it.",
		});
	}
	const { from, gasLimit, gasPrice } = Transaction.from(PROXY_TRANSACTION);
	await sender.send({ to: from as string, value: gasLimit * (gasPrice as bigint) });
	const hash = await (provider as JsonRpcApiProvider).send("eth_sendRawTransaction", [PROXY_TRANSACTION]).catch((error: unknown) => {
		throw decodeError(error);
	});
	await provider.waitForTransaction(hash);
}
