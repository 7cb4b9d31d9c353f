import { createHash } from "node:crypto";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Devnet, startDevnet } from "../../ledger/devnet.ts";
import type { Link } from "../../network/epoch/audit/findings.ts";
import { verifyBundle } from "../../network/epoch/audit.ts";
import { bundleFiles } from "../../network/epoch/bundle.ts";
import { runEpochs } from "../../network/epoch/run.ts";
import { quiet, temporaryFolder, tinyConfig, tinyNetwork } from "./runs.ts";

/** Fields of which nothing else in the bundle tells, so that only the chain does. */
const CHAIN_ONLY: Readonly<Record<string, string>> = {
	"deployment.json.verifiers.*.address": "a circuit id names the key, not where its verifier stands",
	"epochs/*/contributors.json.contributors.*.transaction": "the chain gives out transaction hashes",
	"epochs/*/policy.json.activationDelay": "the policy's digest stands in the epoch's opening alone",
	"epochs/*/policy.json.payout": "the policy's digest stands in the epoch's opening alone",
	"epochs/*/policy.json.queryFees": "the policy's digest stands in the epoch's opening alone",
	"epochs/*/queries.json.entries.*.label": "the log's digest stands in its record alone",
	"epochs/*/queries.json.entries.*.row": "the log's digest stands in its record alone",
	"epochs/*/transactions.json.*.block": "the chain knows the block",
	"epochs/*/transactions.json.*.gasUsed": "the chain knows the gas",
	"epochs/*/transactions.json.*.hash": "the chain gives out transaction hashes",
	"keys/*.json.development": "a circuit id is made of points: the verifier's code on chain tells what kind of key it is",
};

/** Fields that neither the bundle nor the chain tells. */
const FREE: Readonly<Record<string, string>> = {
	"deployment.json.block": "where the search for events begins: a later block makes them incomplete, an earlier one changes nothing",
	"epochs/*/transactions.json.*.action": "a caption for readers",
};

// The same source always compiles to the same code; the compiler takes seconds.
vi.mock("../../verifier-contracts/compile.ts", async (load) => {
	const real = await load<typeof import("../../verifier-contracts/compile.ts")>();
	const known = new Map<string, ReturnType<typeof real.compileVerifiers>>();
	const compileVerifiers: typeof real.compileVerifiers = (sources) => {
		const about = JSON.stringify(sources);
		const artefacts = known.get(about) ?? real.compileVerifiers(sources);
		known.set(about, artefacts);
		return artefacts;
	};
	return { ...real, compileVerifiers };
});

// A proof that is good for one key and claim stays good: of hundreds of bundles that differ in a field only the proofs of that field are checked again.
vi.mock("../../prover/verify.ts", async (load) => {
	const real = await load<typeof import("../../prover/verify.ts")>();
	const good = new Set<string>();
	const verifyProof: typeof real.verifyProof = (key, claim) => {
		const about = JSON.stringify([key, claim], (_, value) => (typeof value === "bigint" ? `${value}n` : value));
		if (!good.has(about)) {
			real.verifyProof(key, claim);
			good.add(about);
		}
	};
	return { ...real, verifyProof };
});

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
let devnet: Devnet;
let bundle: string;

beforeAll(async () => {
	temporary = await temporaryFolder();
	devnet = await startDevnet();
	bundle = join(temporary.folder, "bundle");
	const config = { ...(await tinyConfig(temporary.folder)), backbone: await tinyNetwork(temporary.folder) };
	await runEpochs({ config, out: bundle, rpc: devnet.url, key: devnet.keys[0], progress: quiet });
}, 300_000);
afterAll(async () => {
	await devnet?.close();
	await temporary?.remove();
});

/** The first broken link of the bundle with one file replaced; the file is put back. */
async function firstBroken(
	path: string,
	content: string | Uint8Array,
	options: { repairHash: boolean; rpc?: string },
): Promise<Link | undefined> {
	const saved = new Map<string, Buffer>();
	const put = async (name: string, bytes: string | Uint8Array): Promise<void> => {
		saved.set(name, await readFile(join(bundle, name)));
		await writeFile(join(bundle, name), bytes);
	};
	await put(path, content);
	if (options.repairHash) {
		const index = JSON.parse(await readFile(join(bundle, "bundle.json"), "utf8"));
		index.files[path] = createHash("sha256").update(content).digest("hex");
		await put("bundle.json", JSON.stringify(index));
	}
	try {
		const links = await verifyBundle({ folder: bundle, rpc: options.rpc, stopAtFirst: true, progress: quiet });
		return links.find(({ ok }) => !ok);
	} finally {
		for (const [name, bytes] of saved) {
			await writeFile(join(bundle, name), bytes);
		}
	}
}

test("the bundle itself verifies, offline and against the chain", async () => {
	const links = await verifyBundle({ folder: bundle, rpc: devnet.url, progress: quiet });
	expect(links.filter(({ ok }) => !ok)).toEqual([]);
});

test("the first broken link names a file that has one byte altered", async () => {
	for (const path of (await bundleFiles(bundle)).filter((name) => name !== "bundle.json")) {
		const bytes = await readFile(join(bundle, path));
		const middle = bytes.length >> 1;
		bytes[middle] = (bytes[middle] as number) ^ 1;
		expect(await firstBroken(path, bytes, { repairHash: false }), path).toMatchObject({
			where: "bundle",
			name: "files",
			ok: false,
			detail: expect.stringContaining(path),
		});
	}
});

test("the first broken link names a file that is missing, and one that is too many", async () => {
	const copy = join(temporary.folder, "copy");
	await cp(bundle, copy, { recursive: true });
	const found = async () => (await verifyBundle({ folder: copy, stopAtFirst: true, progress: quiet })).find(({ ok }) => !ok);
	await writeFile(join(copy, "keys", "other.json"), "{}");
	expect(await found()).toMatchObject({ name: "files", detail: expect.stringContaining("keys/other.json") });
	await rm(join(copy, "keys", "other.json"));
	expect(await found()).toBeUndefined();
	await rm(join(copy, "report.json"));
	expect(await found()).toMatchObject({ name: "files", detail: expect.stringContaining("report.json") });
});

test("no field of the index can be another", async () => {
	const index = JSON.parse(await readFile(join(bundle, "bundle.json"), "utf8"));
	for (const trail of leaves(index).filter(([name]) => name !== "schema")) {
		const copy = structuredClone(index);
		alter(copy, trail);
		expect(await firstBroken("bundle.json", JSON.stringify(copy), { repairHash: false }), trail.join(".")).toMatchObject({ ok: false });
	}
	const bare = { ...index, epochs: [] };
	expect(await firstBroken("bundle.json", JSON.stringify(bare), { repairHash: false })).toMatchObject({ ok: false });
	const foreign = JSON.stringify({ ...index, schema: "openledger.bundle.v2" });
	await expect(firstBroken("bundle.json", foreign, { repairHash: false })).rejects.toMatchObject({ code: "BUNDLE_MISSING" });
});

describe("a forger who repairs the SHA-256 in the index", () => {
	let all: readonly Forgery[];
	beforeAll(async () => {
		all = await forgeries();
	});

	test("every kind of field is tried, and every exception is one", () => {
		const patterns = all.map(({ pattern }) => pattern);
		for (const name of [
			"policy",
			"datasets",
			"model",
			"training",
			"checkpoint",
			"queries",
			"payouts",
			"contributors",
			"transactions",
			"proofs/payout-*",
			"proofs/score-*",
		]) {
			expect(
				patterns.filter((pattern) => pattern.startsWith(`epochs/*/${name}.json.`)),
				name,
			).not.toEqual([]);
		}
		expect(patterns).toContain("epochs/*/backbone.weights");
		expect(patterns).toEqual(expect.arrayContaining([...Object.keys(CHAIN_ONLY), ...Object.keys(FREE)]));
	});

	test("cannot change a field alone, without any chain", async () => {
		const unnoticed = new Set<string>();
		for (const { path, pattern, content } of all) {
			if ((await firstBroken(path, content, { repairHash: true })) === undefined) {
				unnoticed.add(pattern);
			}
		}
		expect([...unnoticed].sort()).toEqual([...Object.keys(CHAIN_ONLY), ...Object.keys(FREE)].sort());
	}, 300_000);

	test("cannot change what the chain knows", async () => {
		const unnoticed = new Set<string>();
		for (const { path, pattern, content } of all.filter((forgery) => forgery.pattern in CHAIN_ONLY)) {
			if ((await firstBroken(path, content, { repairHash: true, rpc: devnet.url })) === undefined) {
				unnoticed.add(pattern);
			}
		}
		expect([...unnoticed]).toEqual([]);
	}, 300_000);
});

interface Forgery {
	readonly path: string;
	/** `path.field` with places of arrays, numbered files, names of keys and circuit ids as *. */
	readonly pattern: string;
	readonly content: string | Uint8Array;
}

/** Every field of every file altered alone; of the fields with one pattern the first and the last. */
async function forgeries(): Promise<Forgery[]> {
	const found = new Map<string, Forgery[]>();
	for (const path of await bundleFiles(bundle)) {
		if (path === "report.json" || path === "bundle.json") {
			continue;
		}
		if (path.endsWith(".weights")) {
			const content = (await readFile(join(bundle, path))).map((byte, at) => (at === 0 ? byte ^ 1 : byte));
			found.set(path, [{ path, pattern: path.replace(/\d+/g, "*"), content }]);
			continue;
		}
		const value: unknown = JSON.parse(await readFile(join(bundle, path), "utf8"));
		for (const trail of leaves(value)) {
			const pattern = [
				path.replace(/\d+/g, "*").replace(/^keys\/[\w-]+/, "keys/*"),
				...trail.map((step) => (typeof step === "number" ? "*" : step.replace(/^0x\w{64}$/, "*"))),
			].join(".");
			const copy: unknown = structuredClone(value);
			alter(copy, trail);
			found.set(pattern, [...(found.get(pattern) ?? []), { path, pattern, content: JSON.stringify(copy) }]);
		}
	}
	return [...found.values()].flatMap((same) => (same.length === 1 ? same : [same[0] as Forgery, same.at(-1) as Forgery]));
}

type Step = string | number;

function leaves(value: unknown, trail: readonly Step[] = []): (readonly Step[])[] {
	if (typeof value !== "object" || value === null) {
		return [trail];
	}
	return Array.isArray(value)
		? value.flatMap((entry, i) => leaves(entry, [...trail, i]))
		: Object.entries(value).flatMap(([name, entry]) => leaves(entry, [...trail, name]));
}

/** Changes one field a little: number + 1, flag flipped, last digit of a number or hex string another, a letter appended to other text. */
function alter(value: unknown, trail: readonly Step[]): void {
	const parent = trail.slice(0, -1).reduce<unknown>((at, step) => (at as Record<Step, unknown>)[step], value) as Record<Step, unknown>;
	const last = trail.at(-1) as Step;
	const field = parent[last];
	if (typeof field === "number") {
		parent[last] = field + 1;
	} else if (typeof field === "boolean") {
		parent[last] = !field;
	} else if (typeof field === "string") {
		parent[last] = /^(0x[\da-fA-F]+|-?\d+)$/.test(field) ? field.replace(/.$/, (digit) => (digit === "1" ? "2" : "1")) : `${field}x`;
	} else {
		parent[last] = "0x00";
	}
}
