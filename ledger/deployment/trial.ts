/** What a deployment would cost: it is made on a private chain with the same id, by the same key, and so at the same addresses. */
import { type BaseWallet, toQuantity } from "ethers";
import { type DeployOptions, deploy } from "../deployment.ts";
import { startDevnet } from "../devnet.ts";
import { connect } from "../node.ts";

/**
 * Gas of each transaction of a deployment, by its name; also of those that the real chain no longer needs.
 *
 * @param options.signer its key signs on the private chain only
 * @param options.chainId of the real chain
 * @throws LedgerError as `deploy`; `devnet.*`
 */
export async function trialGas(
	options: DeployOptions & { readonly signer: BaseWallet; readonly chainId: number },
): Promise<Map<string, bigint>> {
	const { signer, chainId, ...rest } = options;
	const chain = await startDevnet({ chainId, accounts: 1 });
	try {
		const provider = await connect({ url: chain.url, chainId });
		await provider.send("anvil_setBalance", [signer.address, toQuantity(10n ** 24n)]);
		const { steps } = await deploy({ ...rest, signer: signer.connect(provider) });
		return new Map(steps.map(({ name, gasUsed }) => [name, gasUsed]));
	} finally {
		await chain.close();
	}
}
