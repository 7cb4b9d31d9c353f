import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Adapter, BackendName } from "../backend.ts";
import { openBackend } from "../open.ts";
import { openReference } from "../reference/backend.ts";
import type { Tensor } from "../tensor.ts";
import { refusal } from "../testing.ts";
import { chooseBackend, selectBackend } from "./choice.ts";
import type { Timing } from "./measurement.ts";
import { currentProfile, type Entry, fingerprint, mergeEntries, readProfile, type Verdict, writeProfile } from "./profile.ts";

const GPU: Adapter = { device: "a GPU", driver: "1.0", software: false };
const PROCESSOR: Adapter = { device: "threads", driver: "v24", software: true };
const WIDE = { element: "i32", low: -(2 ** 31), high: 2 ** 31 - 1 } as const;
const DEVIATION = { name: "product", error: 1e-7 };
const EXACT: Verdict = { status: "exact", deviation: DEVIATION };
const INEXACT: Verdict = {
	status: "inexact",
	mismatch: { name: "product", at: 0, expected: 2 ** 24 + 1, got: 2 ** 24, wrong: 1, of: 1 },
	wrong: 1,
	deviation: DEVIATION,
};

const timing = (kernel: string, work: number, seconds: number): Timing => ({ kernel, shape: String(work), work, seconds });
/** A GPU's figures: slow to begin, then fast. Its floats are faster than its integers. */
const FAST = [timing("integers.product", 10, 1), timing("integers.product", 1000, 1), timing("floats.product", 1000, 0.1)];
const USUAL = [timing("integers.product", 10, 0.1), timing("integers.product", 1000, 4), timing("floats.product", 1000, 4)];
const entry = (
	name: BackendName,
	adapter: Adapter | undefined,
	verdict: Verdict,
	timings: readonly Timing[],
	made = "2026-01-01T00:00:00Z",
): Entry => ({
	name,
	adapter,
	made,
	verdict,
	timings,
});
const wasm = entry("wasm", PROCESSOR, EXACT, USUAL);
const profileOf = (...entries: Entry[]) => mergeEntries(undefined, entries);
const choose = (committed: boolean, entries: Entry[], more = {}) =>
	chooseBackend({ committed, ...more, profile: profileOf(...entries) }).name;

describe("the choice", () => {
	test("is wasm without a profile, or with an empty one", () => {
		expect(chooseBackend({ committed: true, profile: undefined }).name).toBe("wasm");
		expect(choose(false, [])).toBe("wasm");
	});

	test("is the fastest exact backend, and says how much faster", () => {
		const profile = profileOf(wasm, entry("webgpu", GPU, EXACT, FAST));
		expect(chooseBackend({ committed: true, profile })).toEqual({ name: "webgpu", note: "4.0 times as fast as wasm, on a GPU" });
		expect(chooseBackend({ committed: false, profile })).toEqual({ name: "webgpu", note: "40 times as fast as wasm, on a GPU" });
	});

	test("follows the job's kernel and the work of its calls", () => {
		const entries = [wasm, entry("webgpu", GPU, EXACT, FAST)];
		expect(choose(true, entries, { kernel: "integers.product", work: 20 })).toBe("wasm");
		expect(choose(true, entries, { kernel: "integers.product", work: 900 })).toBe("webgpu");
		expect(choose(true, entries, { kernel: "statistics" })).toBe("wasm");
	});

	test("an inexact backend makes no committed values, but may make others", () => {
		const entries = [wasm, entry("gpujs", GPU, INEXACT, FAST)];
		expect(choose(true, entries)).toBe("wasm");
		expect(choose(false, entries)).toBe("gpujs");
	});

	test("a program that plays a GPU is never taken, however fast its figures are", () => {
		const entries = [wasm, entry("webgpu", { ...GPU, software: true }, EXACT, FAST), entry("reference", PROCESSOR, EXACT, FAST)];
		expect(choose(true, entries)).toBe("wasm");
		expect(choose(false, entries)).toBe("wasm");
	});

	test.each(["unavailable", "failed", "crashed", "timeout", "garbled"] as const)("a backend that was %s is not taken", (status) => {
		expect(choose(false, [wasm, entry("webgpu", GPU, { status, message: "m", hint: "h" }, FAST)])).toBe("wasm");
	});

	test("nor is one whose floats are wrong, or one that was not asked", () => {
		const wild = { ...EXACT, deviation: { name: "product", error: 0.5 } };
		expect(choose(false, [wasm, entry("webgpu", GPU, wild, FAST)])).toBe("wasm");
		expect(choose(true, [wasm, entry("webgpu", GPU, wild, FAST)])).toBe("webgpu");
		expect(choose(true, [wasm, entry("webgpu", GPU, { status: "unchecked" }, FAST)])).toBe("wasm");
	});

	test("the latest device of a backend counts", () => {
		const other = { ...GPU, device: "another GPU" };
		const slow = entry(
			"webgpu",
			other,
			EXACT,
			USUAL.map((one) => ({ ...one, seconds: 2 * one.seconds })),
			"2026-01-02T00:00:00Z",
		);
		expect(choose(true, [slow, wasm, entry("webgpu", GPU, EXACT, FAST)])).toBe("wasm");
	});

	test("is the reference where wasm fails", () => {
		const reference = entry("reference", PROCESSOR, EXACT, USUAL);
		expect(choose(true, [entry("wasm", PROCESSOR, INEXACT, FAST), reference])).toBe("reference");
		expect(choose(true, [entry("wasm", PROCESSOR, INEXACT, FAST), reference, entry("webgpu", GPU, EXACT, FAST)])).toBe("webgpu");
	});
});

describe("the file", () => {
	let folder: string;
	let path: string;
	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), "openledger-profile-"));
		path = join(folder, "compute", "profile.json");
	});
	afterAll(async () => {
		await rm(folder, { recursive: true, force: true });
	});

	test("comes back as it was written, and nothing lies beside it", async () => {
		expect(readProfile(path)).toBeUndefined();
		expect(currentProfile(path)).toMatchObject({
			profile: undefined,
			note: expect.stringMatching(/^there is no profile; `openledger compute tune`/),
		});
		const profile = profileOf(wasm, entry("webgpu", undefined, { status: "crashed", message: "m", hint: "h" }, []));
		await writeProfile(profile, path);
		expect(readProfile(path)).toEqual(profile);
		expect(currentProfile(path)).toEqual({ profile, note: `profile ${path}` });
		expect(await readdir(join(folder, "compute"))).toEqual(["profile.json"]);
	});

	test.each(["cpu", "cores", "memoryGB", "node", "kernels"] as const)("of another %s is not used", async (part) => {
		await writeProfile({ ...profileOf(wasm), machine: { ...fingerprint(), [part]: "another" } }, path);
		expect(currentProfile(path)).toMatchObject({ profile: undefined, note: expect.stringContaining(`was measured with another ${part};`) });
	});

	test.each([
		["no JSON", "{", /expected a profile of backends, got .*JSON/],
		["another schema", JSON.stringify({ schema: "x" }), /got schema "x"$/],
		["no entries", JSON.stringify({ ...profileOf(), entries: undefined }), /got no entries$/],
		[
			"an entry without a verdict",
			JSON.stringify({ ...profileOf(), entries: [{ ...wasm, verdict: undefined }] }),
			/got an unsound entry at place 0$/,
		],
		[
			"a time of nothing",
			JSON.stringify({ ...profileOf(), entries: [wasm, { ...wasm, timings: [timing("statistics", 1, 0)] }] }),
			/got an unsound entry at place 1$/,
		],
	])("with %s is refused, and stops nobody", async (_, text, message) => {
		await writeFile(path, text);
		const { code, message: got } = await refusal(() => readProfile(path));
		expect({ code, got }).toEqual({ code: "FILE_DAMAGED", got: expect.stringMatching(message) });
		const { backend } = await selectBackend({ committed: true, path });
		expect(backend.name).toBe("wasm");
		await backend.close();
	});

	test("a new trial takes the place of the old one of the same device and driver alone", () => {
		const first = profileOf(wasm, entry("webgpu", GPU, EXACT, FAST), entry("webgpu", { ...GPU, driver: "2.0" }, EXACT, FAST));
		const again = entry("webgpu", GPU, INEXACT, []);
		expect(mergeEntries(first, [again]).entries).toEqual([wasm, first.entries[2], again]);
		const crash = entry("webgpu", undefined, { status: "crashed", message: "m", hint: "h" }, []);
		expect(mergeEntries(mergeEntries(first, [crash]), [again]).entries).toEqual([wasm, again]);
		expect(mergeEntries({ ...first, machine: { ...first.machine, cores: 999 } }, [again]).entries).toEqual([again]);
	});

	describe("selects", () => {
		const choice = async (entries: Entry[], purpose: Parameters<typeof selectBackend>[0]) => {
			await writeProfile(profileOf(...entries), path);
			const { backend, note } = await selectBackend(purpose);
			await backend.close();
			return { name: backend.name, note };
		};
		// As if gpu.js had found a GPU, which it has not: the device is not the one that the profile knows.
		const promised = entry("gpujs", GPU, EXACT, FAST);

		test("wasm when the device is not there any more, and says so", async () => {
			const { name, note } = await choice([wasm, promised], { committed: true, path });
			expect(name).toBe("wasm");
			expect(note).toMatch(/^instead of gpujs: it is on gpu\.js in mode .* now, which the profile does not know or allow$/);
		});

		test("what the user asks for, if it is exact here and now", async () => {
			expect(await choice([wasm], { committed: true, path, name: "gpujs" })).toEqual({ name: "gpujs", note: "as asked" });
			expect(await choice([], { committed: false, path, name: "reference" })).toEqual({ name: "reference", note: "as asked" });
		});

		test("nothing else when the user asks for one that is not there", async () => {
			const open = (name: BackendName) => openBackend(name, { webgpu: { ways: [] } });
			const { code } = await refusal(() => selectBackend({ committed: false, path, name: "webgpu", open }));
			expect(code).toBe("NO_ADAPTER");
			const fallback = await choice([wasm, entry("webgpu", GPU, EXACT, FAST)], { committed: true, path, open });
			expect(fallback).toEqual({ name: "wasm", note: expect.stringMatching(/^instead of webgpu: webgpu: expected a device, found none/) });
		});

		test("an inexact one that the user asks for, unless values are committed", async () => {
			let isOpen = true;
			const { integers, ...others } = openReference();
			const wrong = {
				...integers,
				columnSums: (values: Tensor<"i8">) => integers.requantise(integers.columnSums(values), undefined, 1, WIDE),
			};
			const close = async () => {
				isOpen = false;
			};
			const open = async () => ({ ...others, name: "gpujs" as const, integers: wrong, close });
			await writeProfile(profileOf(wasm), path);
			const { backend } = await selectBackend({ committed: false, path, name: "gpujs", open });
			expect(backend.name).toBe("gpujs");
			const { code, message } = await refusal(() => selectBackend({ committed: true, path, name: "gpujs", open }));
			expect({ code, message }).toEqual({
				code: "INEXACT_BACKEND",
				message: expect.stringMatching(/: columnSums .*: expected -?\d+ at position \d+, got/),
			});
			expect(isOpen).toBe(false);
		});
	});

	test("is one object of JSON that a person can read", async () => {
		await writeProfile(profileOf(wasm), path);
		expect((await readFile(path, "utf8")).split("\n").length).toBeGreaterThan(10);
	});
});
