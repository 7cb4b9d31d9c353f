/** docs/integrators.md, section 4: a circom circuit of somebody else, our prover and snarkjs', our contract on a chain. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Contract, parseEther, Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Devnet, startDevnet } from "../../ledger/devnet.ts";
import { connect } from "../../ledger/node.ts";
import { Q, R } from "../../prover/bn254.ts";
import { groth16, type ProofWithSignals } from "../../prover/groth16.ts";
import { compilePlain, endSnarkjs, plainKey, snarkjsKey, snarkjsProof } from "../../prover/testing/plain.ts";
import { type Artifact, compile } from "../../verifier-contracts/solc.ts";
import { ask, blocks, compileBlocks, contractBlock, deployed, refusal, send } from "./guide.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const PRIZE = parseEther("2");

let folder: string;
let devnet: Devnet;
let payee: Wallet;
let thief: Wallet;
let verifier: Contract;
let pay: Contract;
let artifacts: Artifact[];
let wasm: string;
let zkey: Uint8Array;

const openledger = (...args: string[]) =>
	promisify(execFile)(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, ...args], { cwd: folder }).then(
		({ stdout }) => ({ code: 0, stdout, stderr: "" }),
		(error: { code: number; stdout: string; stderr: string }) => error,
	);

/** A proof as the contract takes it: the numbers of each pair of pi_b swapped. */
function calldata({ proof, publicSignals }: ProofWithSignals) {
	const [a, b, c] = [proof.pi_a.slice(0, 2), proof.pi_b.slice(0, 2).map((pair) => pair.toReversed()), proof.pi_c.slice(0, 2)];
	return { publics: publicSignals, a, b, c };
}
const prove = (root: number, who: Wallet) => groth16.fullProve({ root, payee: who.address }, wasm, zkey);
type Calldata = ReturnType<typeof calldata>;
const args = ({ publics, a, b, c }: Calldata) => [publics, a, b, c];
const verify = (one: Calldata) => ask(verifier, payee, "verify", args(one));
const refused = (contract: Contract, method: string, values: readonly unknown[], who = payee) =>
	refusal(artifacts, contract, who, method, values);
const altered = (one: Calldata, change: Partial<Calldata>) => refused(verifier, "verify", args({ ...one, ...change }));

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-plain-"));
	const [source] = await blocks("circom");
	const files = await compilePlain(folder, "square", source as string);
	wasm = files.wasm;
	zkey = await snarkjsKey(files.r1cs, 4);
	await writeFile(join(folder, "square.zkey"), zkey);
	await writeFile(join(folder, "forgeable.zkey"), await plainKey(files.r1cs, join(folder, "development.zkey")));

	expect(await openledger("key", "solidity", "--zkey", "square.zkey", "--out", "Verifier.sol")).toMatchObject({
		code: 0,
		stdout: "Verifier.sol: contract Verifier, which verifies proofs with 2 public signals\n",
	});
	const code = await readFile(join(folder, "Verifier.sol"), "utf8");
	expect((await compile({ "Verifier.sol": code }))["Verifier.sol"]?.Verifier?.bytecode).toMatch(/^0x60/);
	const { Verifier, PayOnSquare } = await compileBlocks({ Verifier: code, PayOnSquare: await contractBlock("PayOnSquare") });
	artifacts = [Verifier, PayOnSquare] as Artifact[];

	devnet = await startDevnet({ accounts: 3 });
	const provider = await connect({ url: devnet.url, chainId: devnet.chainId });
	const [owner, ...people] = devnet.keys.map((secret) => new Wallet(secret, provider)) as [Wallet, Wallet, Wallet];
	[payee, thief] = people as [Wallet, Wallet];
	verifier = await deployed(Verifier as Artifact, owner, []);
	pay = await deployed(PayOnSquare as Artifact, owner, [await verifier.getAddress(), 144n], PRIZE);
}, 300_000);

afterAll(async () => {
	await endSnarkjs();
	await devnet?.close();
	await rm(folder, { recursive: true, force: true });
});

describe("a plain verifier", () => {
	test("accepts a proof of our prover and one of snarkjs, alone and together", async () => {
		const ours = calldata(await prove(12, payee));
		await verify(ours);
		const { wtns } = await import("snarkjs");
		await wtns.calculate({ root: 5, payee: BigInt(payee.address).toString() } as never, wasm, join(folder, "five.wtns"));
		const theirs = calldata((await snarkjsProof(zkey, await readFile(join(folder, "five.wtns")), { r: 3n, s: 4n })) as ProofWithSignals);
		expect(theirs.publics[0]).toBe("25");
		await verify(theirs);
		const batch = [ours, theirs, ours];
		const publics = batch.flatMap((one) => one.publics);
		await ask(verifier, payee, "verifyBatch", [publics, batch]);
		const swapped = [theirs, ours, ours].flatMap((one) => one.publics);
		expect(await refused(verifier, "verifyBatch", [swapped, batch])).toBe("ProofRejected()");
	});

	test("refuses what was altered", async () => {
		const good = calldata(await prove(12, payee));
		const [square, who] = good.publics as [string, string];
		expect(await altered(good, { publics: ["145", who] })).toBe("ProofRejected()");
		expect(await altered(good, { publics: [who, square] })).toBe("ProofRejected()");
		const alias = (BigInt(square) + R).toString();
		expect(await altered(good, { publics: [alias, who] })).toBe(`PublicNotInField(0, ${alias})`);
		expect(await altered(good, { a: good.c })).toBe("ProofRejected()");
		expect(await altered(good, { a: [good.a[0] as string, (Q - BigInt(good.a[1] as string)).toString()] })).toBe("ProofRejected()");
		expect(await altered(good, { c: ["1", "3"] })).toBe("PointInvalid()");
		expect(await altered(good, { b: good.b.toReversed() })).toBe("PointInvalid()");
	});
});

describe("PayOnSquare", () => {
	test("pays whom the proof names, once", async () => {
		const good = calldata(await prove(12, payee));
		expect(await refused(pay, "claim", args(good), thief)).toBe("WrongStatement()");
		const renamed = { ...good, publics: [good.publics[0] as string, BigInt(thief.address).toString()] };
		expect(await refused(pay, "claim", args(renamed), thief)).toBe("ProofRejected()");
		expect(await refused(pay, "claim", args(calldata(await prove(5, payee))))).toBe("WrongStatement()");
		await send(pay, payee, "claim", args(good));
		expect(await payee.provider?.getBalance(await pay.getAddress())).toBe(0n);
		expect(await refused(pay, "claim", args(good))).toBe("AlreadyPaid()");
	});
});

describe("key solidity", () => {
	test("names the contract after its file, or as it is told", async () => {
		const { stdout } = await openledger(
			"key",
			"solidity",
			"--zkey",
			"square.zkey",
			"--out",
			"Other.sol",
			"--name",
			"SquareVerifier",
			"--json",
		);
		expect(JSON.parse(stdout)).toMatchObject({
			schema: "openledger.key-solidity.v1",
			ok: true,
			result: { contract: "SquareVerifier", publics: 2, file: expect.stringMatching(/Other\.sol$/) },
		});
		expect(await readFile(join(folder, "Other.sol"), "utf8")).toContain("contract SquareVerifier is PlainGroth16 {");
	});

	test.each([
		["a key that nobody contributed to", ["--zkey", "forgeable.zkey"], 3, "expected delta other than"],
		["a key that is not there", ["--zkey", "none.zkey"], 4, "none.zkey"],
		["a file whose name is no contract's", ["--zkey", "square.zkey", "--out", "a-b.sol"], 2, 'got "a-b"'],
		["a name of the template's", ["--zkey", "square.zkey", "--name", "PlainGroth16"], 2, 'got "PlainGroth16"'],
	])("refuses %s, and writes nothing", async (_, args, exit, message) => {
		const before = await readFile(join(folder, "Verifier.sol"), "utf8");
		const { code, stdout, stderr } = await openledger("key", "solidity", ...args);
		expect({ code, stdout, stderr }).toEqual({ code: exit, stdout: "", stderr: expect.stringContaining(message) });
		expect(await readFile(join(folder, "Verifier.sol"), "utf8")).toBe(before);
	});
});
