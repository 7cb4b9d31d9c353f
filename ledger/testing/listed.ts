/** A datanet in which all contributors of a house are accepted, and whose epochs count for reputation. For tests. */
import { id, parseEther, Wallet } from "ethers";
import { DatanetClient } from "../datanets.ts";
import type { House } from "./house.ts";

const DAY = 86_400;

/** Account 0 of the house curates it and, as the owner, lists it. Takes a day of the chain's time. @returns its number */
export async function listedDatanet(house: House): Promise<bigint> {
	const { deployment, provider, devnet } = house;
	const wallets = devnet.keys.map((key) => new Wallet(key, provider));
	const [owner, ...contributors] = (await Promise.all(wallets.map((signer) => DatanetClient.open({ deployment, signer })))) as [
		DatanetClient,
		...DatanetClient[],
	];
	const licence = (await house.steward.registerRecord({ kind: "Licence", digest: id("licence") })).id;
	const terms = { mode: "Open", curator: owner.address, bond: parseEther("1"), maxRows: 1000, maxSubmissions: 1 } as const;
	const datanet = (await owner.create({ ...terms, challengeWindow: DAY, licence })).datanet as bigint;
	await owner.list({ datanet, listed: true });
	for (const [i, contributor] of contributors.entries()) {
		const record = await house.contributors[i]?.registerRecord({ kind: "Dataset", digest: id("dataset") });
		await contributor.submit({ datanet, record: record?.id as string });
	}
	await house.wait(DAY);
	return datanet;
}
