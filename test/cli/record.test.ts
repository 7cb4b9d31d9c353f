/** `openledger record` as authors and relayers run it, on a chain of its own. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keccak256, toUtf8Bytes, ZeroHash } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { recordId } from "../../ledger/record.ts";
import { Street } from "../../ledger/testing/street.ts";
import { Terminal } from "./program.ts";

let street: Street;
let terminal: Terminal;
let author: string;

beforeAll(async () => {
	street = await Street.build();
	const [, AUTHOR, RELAYER] = street.devnet.keys as [string, string, string];
	terminal = new Terminal(await mkdtemp(join(tmpdir(), "openledger-record-")), { AUTHOR, RELAYER });
	author = street.payer.address;
	await writeFile(join(terminal.folder, "deployment.json"), JSON.stringify(street.deployment));
	await writeFile(join(terminal.folder, "data.csv"), "1,2,3\n");
	await writeFile(join(terminal.folder, "manifest.json"), '{ "b": 1, "a": 2 }');
}, 120_000);
afterAll(async () => {
	await street?.devnet.close();
	await rm(terminal.folder, { recursive: true, force: true });
});

const at = () => ["--rpc", street.devnet.url, "--deployment", "deployment.json"];
const record = (verb: string, ...args: string[]) => terminal.run(["record", verb, ...at(), ...args]);
const json = (verb: string, ...args: string[]) => terminal.json("record", verb, ...at(), ...args);
/** Signs and writes what is signed to a file. */
async function sign(...args: string[]): Promise<string> {
	const { code, stdout } = await record("sign", "--key", "AUTHOR", ...args);
	expect(code).toBe(0);
	await writeFile(join(terminal.folder, "signed.json"), stdout);
	return "signed.json";
}

describe("by the author", () => {
	test("register, log and revoke", async () => {
		const digest = keccak256(toUtf8Bytes("1,2,3\n"));
		const dataset = await json("register", "--kind", "Dataset", "--file", "data.csv", "--key", "AUTHOR");
		expect(dataset).toMatchObject({ id: recordId(author, "Dataset", digest), digest, author });
		const canonical = keccak256(toUtf8Bytes('{"a":2,"b":1}'));
		const model = await json(
			...(["register", "--kind", "ModelManifest", "--canonical", "manifest.json", "--parent", dataset.id, "--key", "AUTHOR"] as const),
		);
		expect(model.digest).toBe(canonical);
		const log = await json("log", "--model", model.id, "--file", "data.csv", "--key", "AUTHOR");
		expect(log).toMatchObject({ sequence: "1", root: digest });
		expect(await json("show", model.id)).toMatchObject({ status: "Active", parent: dataset.id, log: { sequence: "1", head: log.head } });
		await json("revoke", dataset.id, "--key", "AUTHOR");
		expect(await record("show", dataset.id)).toMatchObject({ code: 0, stdout: expect.stringMatching(/status +Revoked/) });
	});

	test("a dry run sends nothing", async () => {
		const result = await json("register", "--kind", "Licence", "--digest", keccak256("0x01"), "--key", "AUTHOR", "--dry-run");
		expect(result).toMatchObject({ dryRun: true, transactions: [{ action: "register" }] });
		expect(await record("show", result.id)).toMatchObject({ code: 3, stderr: expect.stringContaining("expected a record") });
	});
});

describe("by signature", () => {
	test("somebody else sends a record, a log and a revocation; each once", async () => {
		const registered = await sign("--kind", "ModelManifest", "--digest", keccak256("0x02"));
		const { id } = await json("relay", registered, "--key", "RELAYER");
		expect(await json("show", id)).toMatchObject({ author, kind: "ModelManifest", parent: ZeroHash });
		expect(await record("relay", registered, "--key", "RELAYER")).toMatchObject({
			code: 6,
			stderr: expect.stringContaining("SignatureInvalid"),
		});

		await json("relay", await sign("--model", id, "--digest", keccak256("0x03")), "--key", "RELAYER");
		expect(await json("show", id)).toMatchObject({ log: { sequence: "1" } });
		await json("relay", await sign("--revoke", id), "--key", "RELAYER");
		expect(await json("show", id)).toMatchObject({ status: "Revoked" });
	});

	test("an altered request, a late one and one for another contract are refused", async () => {
		const file = await sign("--kind", "Dataset", "--digest", keccak256("0x04"), "--deadline", "60");
		const path = join(terminal.folder, file);
		const signed = JSON.parse(await readFile(path, "utf8"));
		const altered = { ...signed, request: { ...signed.request, digest: keccak256("0x05") } };
		await writeFile(path, JSON.stringify(altered));
		expect(await record("relay", file, "--key", "RELAYER")).toMatchObject({ code: 6, stderr: expect.stringContaining("SignatureInvalid") });
		await writeFile(path, JSON.stringify({ ...signed, contract: street.deployment.contracts.OpenToken }));
		expect(await record("relay", file, "--key", "RELAYER")).toMatchObject({ code: 3, stderr: expect.stringContaining("the contract") });
		await writeFile(path, JSON.stringify(signed));
		await street.wait(120);
		expect(await record("relay", file, "--key", "RELAYER")).toMatchObject({ code: 6, stderr: expect.stringContaining("SignatureExpired") });
	});
});

test.each([
	["no content", ["register", "--kind", "Dataset", "--key", "AUTHOR"], 2, "one of --digest, --file and --canonical"],
	["no kind", ["register", "--digest", keccak256("0x06"), "--key", "AUTHOR"], 2, "expected --kind"],
	["a kind that is none", ["register", "--kind", "Poem", "--digest", keccak256("0x06"), "--key", "AUTHOR"], 2, "got Poem"],
	["no file", ["register", "--kind", "Dataset", "--file", "none.csv", "--key", "AUTHOR"], 3, "none.csv"],
	[
		"content that is no JSON",
		["register", "--kind", "Dataset", "--canonical", "data.csv", "--key", "AUTHOR"],
		3,
		"expected JSON in data.csv",
	],
	["a request that is none", ["relay", "data.csv", "--key", "RELAYER"], 3, "parseRequest: expected JSON"],
])("%s is refused", async (_, [verb, ...args], code, message) => {
	expect(await record(verb as string, ...args)).toMatchObject({ code, stderr: expect.stringContaining(message) });
});
