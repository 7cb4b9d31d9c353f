/** What the vault did with the stakes of contributions, held against what the registry says of them. */
import { LedgerError } from "./errors.ts";
import type { LedgerLog } from "./logs.ts";

/** The vault's events: each stands for one event of the registry, in the same transaction. */
export class StakeTrail {
	readonly #byTransaction: Map<string, LedgerLog[]>;
	readonly #retired: boolean;

	/** @param logs those of the vault among them count */
	constructor(logs: readonly LedgerLog[]) {
		const vault = logs.filter(({ contract }) => contract === "StakeVault");
		this.#byTransaction = Map.groupBy(vault, ({ transaction }) => transaction);
		this.#retired = vault.some(({ name }) => name === "ServiceRetired");
	}

	/**
	 * Finds the event that moved a stake, and uses it up.
	 *
	 * @param of the registry's event
	 * @param name of the vault's event
	 * @param args what it must say; nothing is expected for an amount of 0
	 * @throws LedgerError `events.incomplete`
	 */
	expect(of: LedgerLog, name: string, args: Readonly<Record<string, unknown>> & { readonly amount: bigint }): void {
		if (args.amount === 0n) return;
		const beside = this.#byTransaction.get(of.transaction) ?? [];
		const at = beside.findIndex((log) => log.name === name && Object.entries(args).every(([key, value]) => log.args[key] === value));
		if (at >= 0) {
			beside.splice(at, 1);
			return;
		}
		// Once the registry has ended as a service, a wallet is rotated without its stake: that is the old wallet's.
		if (name === "Moved" && this.#retired) return;
		throw new LedgerError(
			"events.incomplete",
			`expected the vault's ${name} of ${args.amount} wei beside ${of.name} in ${of.transaction}`,
			{
				hint: "Use a node that keeps all logs, the right epoch, and the deployment file as it was written.",
			},
		);
	}
}
