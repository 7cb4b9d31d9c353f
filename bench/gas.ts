/** What users pay: gas of real transactions on a chain of this machine, intrinsic gas and calldata included. */
import { id as hash, parseEther, type Wallet } from "ethers";
import { DAY, Street } from "../ledger/testing/street.ts";
import { signVoucher } from "../ledger/voucher.ts";
import { atMost, type Case } from "./bench.ts";
import { epochGas } from "./epoch-gas.ts";
import { verifierGas } from "./verifier-gas.ts";

const RUNS = 5;

export async function run(): Promise<Case[]> {
	const street = await Street.build();
	try {
		return [...(await channels(street)), ...(await epochGas()), ...(await verifierGas())];
	} finally {
		await street.devnet.close();
	}
}

/** Each run is a channel of its own, with a payee that never held OPEN: its first redeem writes a new balance. */
async function channels(street: Street): Promise<Case[]> {
	const gas: Record<string, number[]> = {};
	const note = (name: string, { gasUsed }: { gasUsed: bigint }) => {
		gas[name] = [...(gas[name] ?? []), Number(gasUsed)];
	};
	for (let i = 0; i < RUNS; i++) {
		const amount = parseEther("10");
		const payee = `0x${hash(`payee ${i}`).slice(-40)}`;
		const { approval, ...opened } = await street.payer.openChannel({ payee, delay: DAY, salt: hash(`approved ${i}`), amount });
		if (approval !== undefined) note("channel: approve", approval);
		note("channel: open", opened);
		note("channel: open with permit", await street.payer.openWithPermit({ payee, delay: DAY, salt: hash(`permitted ${i}`), amount }));
		note("channel: top up with permit", await street.payer.topUpWithPermit({ key: opened.key, amount }));
		const sign = (wei: bigint) => signVoucher(street.wallets[1] as Wallet, street.deployment, opened.key, wei);
		note("channel: first voucher redeem", await street.payee.redeem(await sign(parseEther("1"))));
		note("channel: next voucher redeem", await street.payee.redeem(await sign(parseEther("2"))));
		note("channel: start close", await street.payer.startClose(opened.key));
		await street.wait(DAY);
		note("channel: withdraw", await street.payer.withdraw(opened.key));
		const mine = { payee: street.payee.address, delay: DAY, salt: hash(`closed ${i}`), amount };
		note("channel: close", await street.payee.close((await street.payer.openWithPermit(mine)).key));
	}
	return Object.entries(gas).map(([name, runs]) => {
		const size = name.endsWith("first voucher redeem") ? "payee without OPEN, voucher of a key" : "voucher of a key";
		const bound = name === "channel: first voucher redeem" ? 75_000 : Number.POSITIVE_INFINITY;
		const one = atMost(name, size, "gas", runs, bound);
		return bound === Number.POSITIVE_INFINITY ? { ...one, bar: "none", holds: true } : one;
	});
}
