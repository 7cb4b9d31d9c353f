/** Downloads from a server on this machine that cuts, lies and forgets. */
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checkPowers, fetchPowers } from "./powers.ts";
import { MIRRORS, PUBLISHED_POWERS, type PublishedPowers } from "./published.ts";
import { makePowers } from "./testing.ts";

const POWER = 4;
let folder: string;
let content: Buffer;
let table: readonly PublishedPowers[];
let work: string;
const servers: Server[] = [];

const blake2b = (bytes: Uint8Array): string => createHash("blake2b512").update(bytes).digest("hex");

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-powers-"));
	const path = join(folder, "small.ptau");
	await makePowers(path, POWER);
	content = await readFile(path);
	table = [{ power: POWER, name: "small.ptau", blake2b: blake2b(content) }];
});

afterAll(async () => {
	await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
	work = await mkdtemp(join(folder, "work-"));
});

afterEach(() => {
	for (const server of servers.splice(0)) {
		server.closeAllConnections();
		server.close();
	}
});

type Answer = (request: IncomingMessage, response: ServerResponse, from: number) => void;

/** A mirror; remembers where each request wanted to start. */
async function mirror(answer: Answer): Promise<{ url: string; starts: number[] }> {
	const starts: number[] = [];
	const server = createServer((request, response) => {
		const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
		starts.push(from);
		answer(request, response, from);
	});
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/ptau`, starts };
}

/** Serves bytes as a server with ranges does, but no byte from `cut` on. */
const honest =
	(bytes: Buffer, cut = bytes.length): Answer =>
	(_request, response, from) => {
		if (from >= bytes.length) {
			response.writeHead(416).end();
			return;
		}
		const head = {
			"content-length": bytes.length - from,
			...(from > 0 ? { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
		};
		response.writeHead(from > 0 ? 206 : 200, head);
		if (cut >= bytes.length) response.end(bytes.subarray(from));
		// What is still on its way is lost when a connection breaks: give it time to arrive.
		else response.write(bytes.subarray(from, cut), () => setTimeout(() => response.destroy(), 100));
	};

const options = (mirrors: readonly { url: string }[]) => ({
	table,
	out: join(work, "small.ptau"),
	mirrors: mirrors.map(({ url }) => url),
});

describe("fetchPowers", () => {
	it("fetches, checks, and takes the file from then on", async () => {
		const server = await mirror(honest(content));
		const seen: number[] = [];
		const got = await fetchPowers(POWER, { ...options([server]), onProgress: ({ done, total }) => seen.push(done / total) });
		expect(got).toEqual({ path: join(work, "small.ptau"), power: POWER, blake2b: blake2b(content), published: "small.ptau" });
		expect((await readFile(got.path)).equals(content)).toBe(true);
		expect(seen.at(-1)).toBe(1);
		expect(await fetchPowers(POWER, { ...options([]), offline: true })).toEqual(got);
		expect(server.starts).toEqual([0]);
	});

	it("continues at the next mirror where one broke off", async () => {
		const cut = await mirror(honest(content, 1000));
		const whole = await mirror(honest(content));
		const got = await fetchPowers(POWER, options([cut, whole]));
		expect((await readFile(got.path)).equals(content)).toBe(true);
		expect([cut.starts, whole.starts]).toEqual([[0], [1000]]);
	});

	it("keeps the part when every mirror breaks off, and continues in the next run", async () => {
		const cut = await mirror(honest(content, 1000));
		await expect(fetchPowers(POWER, options([cut]))).rejects.toMatchObject({ code: "powers.missing" });
		expect(await readdir(work)).toEqual(["small.ptau.part"]);
		const whole = await mirror(honest(content));
		await fetchPowers(POWER, options([whole]));
		expect(whole.starts).toEqual([1000]);
		expect(await readdir(work)).toEqual(["small.ptau"]);
	});

	it("starts again with a mirror that knows no ranges", async () => {
		const cut = await mirror(honest(content, 1000));
		const plain = await mirror((request, response) => honest(content)(request, response, 0));
		const got = await fetchPowers(POWER, options([cut, plain]));
		expect((await readFile(got.path)).equals(content)).toBe(true);
		expect(plain.starts).toEqual([1000]);
	});

	it("takes a part that is complete", async () => {
		await writeFile(join(work, "small.ptau.part"), content);
		const server = await mirror(honest(content));
		await fetchPowers(POWER, options([server]));
		expect(await readdir(work)).toEqual(["small.ptau"]);
	});

	it("refuses another file and keeps nothing of it", async () => {
		const other = Buffer.from(content);
		other[500] = (other[500] as number) ^ 1;
		const liar = await mirror(honest(other));
		await expect(fetchPowers(POWER, options([liar]))).rejects.toMatchObject({ code: "powers.hash" });
		expect(await readdir(work)).toEqual([]);
		expect(liar.starts).toEqual([0]);
	});

	it("gets over a liar, and over a part that a liar began", async () => {
		const other = Buffer.from(content);
		other[500] = (other[500] as number) ^ 1;
		const begins = await mirror(honest(other, 1000));
		const whole = await mirror(honest(content));
		const got = await fetchPowers(POWER, options([begins, whole]));
		expect((await readFile(got.path)).equals(content)).toBe(true);
	});

	it("goes on after a mirror that is not there, says no, or falls silent", async () => {
		const no = await mirror((_request, response) => response.writeHead(404).end());
		const silent = await mirror((_request, response) => response.writeHead(200, { "content-length": content.length }).flushHeaders());
		const whole = await mirror(honest(content));
		const mirrors = [{ url: "http://127.0.0.1:1/" }, no, silent, whole];
		await fetchPowers(POWER, { ...options(mirrors), patience: 200 });
		expect(await readdir(work)).toEqual(["small.ptau"]);
	});

	it("stops at a signal and keeps the part", async () => {
		const controller = new AbortController();
		const slow = await mirror((_request, response) => {
			response.writeHead(200, { "content-length": content.length });
			response.write(content.subarray(0, 1000));
		});
		const stopped = fetchPowers(POWER, {
			...options([slow]),
			signal: controller.signal,
			onProgress: () => controller.abort(new Error("enough")),
		});
		await expect(stopped).rejects.toThrow("enough");
		expect(await readdir(work)).toEqual(["small.ptau.part"]);
	});

	it("names what it cannot do", async () => {
		await expect(fetchPowers(POWER, { ...options([]), offline: true })).rejects.toMatchObject({ code: "powers.missing" });
		await expect(fetchPowers(29)).rejects.toMatchObject({ code: "powers.missing" });
		await writeFile(join(work, "small.ptau"), "something else");
		await expect(fetchPowers(POWER, { ...options([]), offline: true })).rejects.toMatchObject({ code: "powers.hash" });
		expect(await readFile(join(work, "small.ptau"), "utf8")).toBe("something else");
	});
});

describe("checkPowers", () => {
	it("takes a published hash, or the one that is named", async () => {
		const path = join(folder, "small.ptau");
		expect(await checkPowers(path, { table })).toMatchObject({ power: POWER, published: "small.ptau" });
		await expect(checkPowers(path)).rejects.toMatchObject({ code: "powers.hash" });
		const own = await checkPowers(path, { blake2b: blake2b(content) });
		expect(own).toEqual({ path, power: POWER, blake2b: blake2b(content) });
		await expect(checkPowers(path, { table, blake2b: blake2b(Buffer.alloc(1)) })).rejects.toMatchObject({ code: "powers.hash" });
		await expect(checkPowers(join(folder, "none"))).rejects.toMatchObject({ code: "powers.missing" });
	});

	it("refuses powers that are not prepared, and what is no file of powers", async () => {
		const raw = join(work, "raw.ptau");
		await makePowers(raw, POWER, { prepare: false });
		await expect(checkPowers(raw, { blake2b: blake2b(await readFile(raw)) })).rejects.toMatchObject({ code: "powers.format" });
		const text = join(work, "text");
		await writeFile(text, "something else");
		await expect(checkPowers(text, { blake2b: blake2b(await readFile(text)) })).rejects.toMatchObject({ code: "powers.format" });
	});
});

describe("the published table", () => {
	it("is that of snarkjs' README, entry by entry", async () => {
		const readme = await readFile(join(dirname(createRequire(import.meta.url).resolve("snarkjs")), "..", "README.md"), "utf8");
		const rows = [...readme.matchAll(/^\|\s*(\d+)\s*\|[^|]*\|\s*\[(\S+)\]\((\S+)\)\s*\|\s*([0-9a-f]{128})\s*\|/gm)];
		expect(rows.map(([, power, name, , hash]) => ({ power: Number(power), name, blake2b: hash }))).toEqual(PUBLISHED_POWERS);
		expect(new Set(rows.map(([, , name, url]) => url?.replace(name as string, "")))).toEqual(new Set([MIRRORS[0]]));
	});
});
