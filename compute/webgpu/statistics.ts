/** Exact weighted Gram statistics on a device: rows are streamed, tiles of the result stay until all have come. */
import type { Rows } from "../../circuits/statistics.ts";
import { checkRows, type Statistics } from "../statistics.ts";
import type { Device } from "./device.ts";
import { bytesOf } from "./kernel.ts";
import type { Memory } from "./memory.ts";
import { DEPTH, gramKernel, MOST_ROWS, SIDE, SUM_SLICES } from "./statistics-kernels.ts";

/** Bytes of rows that are sent at once. */
const CHUNK = 2 ** 25;
/** Workgroups that keep a GPU, or a processor that plays one, busy. */
const BUSY = { gpu: 1024, software: 8 };
/** Bytes of a tile of 64-bit sums. */
const TILE = 8 * SIDE * SIDE;

/** Tiles of the result that share memory. */
interface Group {
	readonly tiles: readonly (readonly [number, number])[];
	readonly places: Memory;
	readonly sums: Memory;
}

/** See `Backend.statistics`. @param software - whether the device is a processor */
export async function statistics(
	device: Device,
	software: boolean,
	rows: Rows,
	d: number,
	k: number,
	signal: AbortSignal | undefined,
): Promise<Statistics> {
	device.alive();
	signal?.throwIfAborted();
	const n = checkRows(rows, d, k);
	const { x, label, weight, count } = rows;
	const tiles = tilesOf(d, k);
	const most = Math.max(1, Math.floor(device.mostBytes / TILE));
	const slices = Math.max(1, Math.min(Math.ceil((software ? BUSY.software : BUSY.gpu) / tiles.length), most, Math.ceil(count / DEPTH)));
	const groups: Group[] = [];
	try {
		const perGroup = Math.floor(most / slices);
		for (let first = 0; first < tiles.length; first += perGroup) {
			const own = tiles.slice(first, first + perGroup);
			const group = {
				tiles: own,
				places: device.upload(bytesOf(Uint32Array.from(own.flat()))),
				sums: device.allocate(slices * own.length * TILE),
			};
			device.clear(group.sums);
			groups.push(group);
		}
		const step = Math.max(1, Math.min(Math.floor(Math.min(CHUNK, device.mostBytes) / d), MOST_ROWS * slices));
		let sent: Promise<void> = Promise.resolve();
		for (let first = 0; first < count; first += step) {
			const last = Math.min(count, first + step);
			addRows(
				device,
				groups,
				{
					x: x.subarray(first * d, last * d),
					label: label.subarray(first, last),
					weight: weight.subarray(first, last),
					count: last - first,
				},
				[d, k],
				slices,
			);
			// One chunk on its way while the device works on the one before.
			const before = sent;
			sent = device.done();
			sent.catch(() => {});
			await before;
			signal?.throwIfAborted();
		}
		const [a, b] = [new Float64Array((d * (d + 1)) / 2), new Float64Array(d * k)];
		for (const { tiles: own, sums } of groups) {
			if (slices > 1) device.run(SUM_SLICES, { sums }, { slices, length: own.length * SIDE * SIDE });
			const words = new Uint32Array(await device.download(sums, own.length * TILE));
			for (const [at, place] of own.entries()) placeTile(words.subarray((at * TILE) / 4, ((at + 1) * TILE) / 4), place, { a, b, d, k });
		}
		return { a, b, n, d, k };
	} finally {
		for (const { places, sums } of groups) for (const memory of [places, sums]) device.free(memory);
	}
}

/** Places of tiles, rows before columns: of A on and right of the diagonal, and of B. */
function tilesOf(d: number, k: number): [number, number][] {
	const tiles: [number, number][] = [];
	const [high, wide] = [Math.ceil(d / SIDE), Math.ceil((d + k) / SIDE)];
	for (let i = 0; i < high; i++) for (let l = i; l < wide; l++) tiles.push([i, l]);
	return tiles;
}

function addRows(
	device: Device,
	groups: readonly Group[],
	{ x, label, weight, count }: Rows,
	[d, k]: readonly [number, number],
	slices: number,
) {
	const heaviest = weight.reduce((most, value) => Math.max(most, value), 0);
	if (heaviest === 0) return;
	const kernel = gramKernel(heaviest === 1 ? 1 : 2, device.dotProduct);
	const sent = { x: device.upload(x), label: device.upload(label), weight: device.upload(weight) };
	const slice = DEPTH * Math.ceil(count / slices / DEPTH);
	for (const { tiles, places, sums } of groups) {
		device.run(kernel, { ...sent, places, sums }, { count, d, k, slice, tiles: tiles.length }, tiles.length, Math.ceil(count / slice));
	}
	for (const memory of Object.values(sent)) device.free(memory);
}

/** Takes the values of a tile to where they belong. */
function placeTile(words: Uint32Array, [row, column]: readonly [number, number], { a, b, d, k }: Omit<Statistics, "n">): void {
	for (let i = SIDE * row; i < Math.min(d, SIDE * (row + 1)); i++) {
		// The packed position of entry (i, l) is line + l.
		const line = i * d - (i * (i + 1)) / 2;
		for (let l = Math.max(i, SIDE * column); l < Math.min(d + k, SIDE * (column + 1)); l++) {
			const at = 2 * (SIDE * (i % SIDE) + (l % SIDE));
			const sum = (words[at] as number) + 2 ** 32 * (words[at + 1] as number);
			if (l < d) a[line + l] = sum;
			else b[i * k + l - d] = sum;
		}
	}
}
