import { id as hash, hexlify, keccak256, toUtf8Bytes, type Wallet, ZeroHash } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LedgerClient } from "./client.ts";
import { contractsAt } from "./contracts.ts";
import { checkDeployment } from "./deployment.ts";
import { acceptanceOf, formatGrantRequest, type GrantRequest, grantRequestDigest, parseGrantRequest, signGrantRequest } from "./grant.ts";
import { GrantReader, replayGrants } from "./grant-reader.ts";
import { GrantClient } from "./grants.ts";
import type { LedgerLog } from "./logs.ts";
import { DAY, Street } from "./testing/street.ts";

const PUBLIC_KEY = hexlify(toUtf8Bytes("public key"));
const ENCRYPTED = hexlify(toUtf8Bytes("encrypted key"));
let street: Street;
let reader: GrantReader;
let author: GrantClient;
let grantee: GrantClient;
let other: GrantClient;
let records: LedgerClient;
let dataset: string;
let licence: string;
let until: bigint;

beforeAll(async () => {
	street = await Street.build();
	reader = new GrantReader(street);
	const open = (index: number) => GrantClient.open({ deployment: street.deployment, signer: street.wallets[index] as Wallet });
	[author, grantee, other] = (await Promise.all([1, 2, 3].map(open))) as [GrantClient, GrantClient, GrantClient];
	records = await LedgerClient.open({ deployment: street.deployment, signer: street.wallets[1] as Wallet });
	dataset = (await records.registerRecord({ kind: "Dataset", digest: hash("rows") })).id;
	// Licences are of any author.
	licence = (await street.treasury.registerRecord({ kind: "Licence", digest: hash("research only") })).id;
	until = BigInt((await street.provider.getBlock("latest"))?.timestamp ?? 0) + 30n * BigInt(DAY);
}, 120_000);
afterAll(() => street?.devnet.close());

const terms = (to: GrantClient, publicKey = PUBLIC_KEY) => ({
	...{ grantee: to.address, licence, publicKeyHash: keccak256(publicKey), until, encryptedKey: ENCRYPTED },
});

describe("a grant", () => {
	it("is deployed with the others", async () => {
		expect((await checkDeployment(street.provider, street.deployment)).filter(({ ok }) => !ok)).toEqual([]);
	});

	it("goes from an offer to a revocation", async () => {
		await expect(grantee.request({ dataset, licence, publicKey: PUBLIC_KEY })).rejects.toMatchObject({
			revert: { name: "LicenceNotOffered" },
			hint: expect.stringContaining(licence),
		});
		await author.offer({ dataset, licence });
		expect(await reader.isOffered(dataset, licence)).toBe(true);
		await grantee.request({ dataset, licence, publicKey: PUBLIC_KEY });
		const acceptance = acceptanceOf(street.deployment, { dataset, ...terms(grantee) });
		expect(await reader.acceptance(dataset, grantee.address)).toBe(acceptance);
		expect(await reader.isGranted(dataset, grantee.address)).toBe(false);
		await author.grant({ dataset, ...terms(grantee) });
		expect(await reader.isGranted(dataset, grantee.address)).toBe(true);
		expect(await reader.grant(dataset, grantee.address)).toEqual({
			...{ until, status: "Granted", acceptance, keyHash: keccak256(ENCRYPTED) },
		});
		await author.renew({ dataset, grantee: grantee.address, until: until + 1n });
		await author.revoke({ dataset, grantee: grantee.address });
		expect(await reader.isGranted(dataset, grantee.address)).toBe(false);
		await expect(author.renew({ dataset, grantee: grantee.address, until: until + 2n })).rejects.toMatchObject({
			revert: { name: "GrantStatus" },
			hint: expect.stringContaining("was revoked"),
		});
	});

	it("says in words who may do what", async () => {
		await expect(other.grant({ dataset, ...terms(grantee) })).rejects.toMatchObject({
			revert: { name: "NotAuthor" },
			hint: expect.stringContaining(author.address),
		});
		await expect(author.grant({ dataset, ...terms(other) })).rejects.toMatchObject({ revert: { name: "NotAccepted" } });
		await expect(author.grant({ dataset, ...terms(grantee), until: 1n })).rejects.toMatchObject({
			revert: { name: "GrantTermOutOfRange" },
			hint: expect.stringMatching(/from 20/),
		});
		await expect(other.withdrawRequest(dataset)).rejects.toMatchObject({ revert: { name: "RequestUnknown" } });
		await expect(other.request({ dataset, licence, publicKey: "0x" })).rejects.toMatchObject({ revert: { name: "KeyLengthOutOfRange" } });
	});

	it("skips who asked otherwise in a batch", async () => {
		await other.request({ dataset, licence, publicKey: PUBLIC_KEY });
		const { logs } = await author.grantMany(dataset, [terms(grantee, "0x12"), terms(other)]);
		expect(logs.map(({ name, args }) => [name, args.grantee])).toEqual([
			["GrantSkipped", grantee.address],
			["AccessGranted", other.address],
		]);
	});
});

describe("signatures", () => {
	const sign = async (request: GrantRequest) => {
		const at = { nonce: await author.nonce(author.address), deadline: until };
		return signGrantRequest(street.wallets[1] as Wallet, street.deployment, request, at);
	};

	it("are relayed by anybody, once", async () => {
		const second = (await street.treasury.registerRecord({ kind: "Licence", digest: hash("commercial") })).id;
		const requests: GrantRequest[] = [
			{ action: "offer", dataset, licence: second, offered: true },
			{ action: "grant", dataset, ...terms(grantee) },
			{ action: "renew", dataset, grantee: grantee.address, until: until + 5n },
			{ action: "revoke", dataset, grantee: grantee.address },
		];
		const seen: boolean[] = [];
		for (const request of requests) {
			const signed = await sign(request);
			await other.relay(signed);
			seen.push(await reader.isGranted(dataset, grantee.address));
			await expect(other.relay(signed)).rejects.toMatchObject({ revert: { name: "SignatureInvalid", args: { signer: author.address } } });
		}
		expect(seen).toEqual([false, true, true, false]);
		expect(await reader.isOffered(dataset, second)).toBe(true);
		expect(await author.nonce(author.address)).toBe(4n);
	});

	it("are read back as they were handed over, and nothing else is read", async () => {
		const requests: GrantRequest[] = [
			{ action: "offer", dataset, licence, offered: true },
			{ action: "grant", dataset, ...terms(grantee) },
			{ action: "renew", dataset, grantee: grantee.address, until },
			{ action: "revoke", dataset, grantee: grantee.address },
		];
		for (const request of requests) {
			const signed = await sign(request);
			const text = formatGrantRequest(street.deployment, signed);
			expect(parseGrantRequest(street.deployment, text)).toEqual(signed);
			const file = JSON.parse(text);
			for (const damaged of [
				{ ...file, schema: "openledger.grant-request.v2" },
				{ ...file, chainId: 1 },
				{ ...file, contract: grantee.address },
				{ ...file, signature: "signed" },
				{ ...file, deadline: "soon" },
				{ ...file, request: { ...file.request, action: "give" } },
				{ ...file, request: { ...file.request, dataset: "0x12" } },
				...Object.keys(request).map((name) => ({ ...file, request: { ...file.request, [name]: undefined } })),
				[],
			]) {
				expect(() => parseGrantRequest(street.deployment, JSON.stringify(damaged))).toThrow(
					expect.objectContaining({ code: "input.invalid" }),
				);
			}
		}
		expect(() => parseGrantRequest(street.deployment, "{")).toThrow(expect.objectContaining({ code: "input.invalid" }));
	});

	it("are of the digest that wallets elsewhere sign", async () => {
		const request: GrantRequest = { action: "renew", dataset, grantee: other.address, until: until + 9n };
		const at = { nonce: await author.nonce(author.address), deadline: until };
		const digest = grantRequestDigest(street.deployment, request, at);
		const signature = (street.wallets[1] as Wallet).signingKey.sign(digest).serialized;
		expect(signature).toBe((await signGrantRequest(street.wallets[1] as Wallet, street.deployment, request, at)).signature);
	});
});

describe("history", () => {
	it("rebuilds everything from events alone", async () => {
		const rest = (await records.registerRecord({ kind: "Dataset", digest: hash("other rows") })).id;
		await author.offer({ dataset: rest, licence });
		await grantee.request({ dataset: rest, licence, publicKey: "0x1234" });
		await grantee.withdrawRequest(rest);
		await author.offer({ dataset: rest, licence, offered: false });
		const { offers, accesses } = await reader.history();
		const { grants } = contractsAt(street.deployment.contracts, street.provider);
		expect([...offers.keys()]).toEqual([dataset, rest]);
		for (const [id, licences] of offers) for (const one of licences) expect(await reader.isOffered(id, one)).toBe(true);
		expect(offers.get(rest)).toEqual([]);
		expect(await grants.isOffered(rest, licence)).toBe(false);
		expect(accesses.map(({ dataset: id, grantee: who }) => [id, who])).toEqual([
			[dataset, grantee.address],
			[dataset, other.address],
			[rest, grantee.address],
		]);
		for (const { dataset: id, grantee: who, request, grant } of accesses) {
			expect(await reader.acceptance(id, who)).toBe(request?.acceptance ?? ZeroHash);
			const { until: end, status, acceptance, keyHash } = grant ?? { until: 0n, status: "None", acceptance: ZeroHash, keyHash: ZeroHash };
			expect(await reader.grant(id, who)).toEqual({ until: end, status, acceptance, keyHash });
		}
		expect(accesses[1]).toMatchObject({ request: { publicKey: PUBLIC_KEY, licence }, grant: { encryptedKey: ENCRYPTED, licence } });
		expect((await reader.history({ dataset: rest })).accesses).toEqual(accesses.slice(2));
		expect((await reader.history({ grantee: other.address })).accesses).toEqual(accesses.slice(1, 2));
		expect((await reader.history({ dataset, grantee: grantee.address })).accesses).toEqual(accesses.slice(0, 1));
	});

	it("names a gap", () => {
		const log = (name: string, args: Record<string, unknown>): LedgerLog => ({
			...{ contract: "AccessGrants", name, blockNumber: 1, index: 0, transaction: "0x" },
			args: { dataset: "0x01", grantee: "0x02", ...args },
		});
		const requested = log("AccessRequested", { licence: "0x03", acceptance: "0x04", publicKey: "0x05" });
		const granted = log("AccessGranted", { licence: "0x03", acceptance: "0x04", until: 9n, encryptedKey: "0x06" });
		const [renewed, revoked] = [log("AccessRenewed", { until: 10n }), log("AccessRevoked", {})];
		for (const logs of [[granted], [requested, renewed], [requested, granted, revoked, renewed], [log("RequestWithdrawn", {})]]) {
			expect(() => replayGrants(logs)).toThrow(expect.objectContaining({ code: "events.incomplete" }));
		}
		expect(replayGrants([requested, granted, renewed, log("GrantSkipped", { grantee: "0x07" })]).accesses).toMatchObject([
			{ grantee: "0x02", grant: { until: 10n, status: "Granted" } },
		]);
	});
});
