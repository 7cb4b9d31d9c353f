/** Orders of non-negative 32-bit integers, ascending; equal ones stay in the order of their indices. */

/** The most bits of a digit of the radix sort: its counts fit the first cache. */
const BITS = 13;
/** Candidates of a selection beside those that are kept. */
const ROOM = 64;

/**
 * The order of all values, by sorting on one digit after the other, lowest first.
 * Source: Knuth, "The Art of Computer Programming" 3, 5.2.5 (radix list sort).
 * @returns indices, that of the lowest value first
 */
export function ascending(values: Int32Array): Uint32Array {
	const n = values.length;
	let [order, next] = [new Uint32Array(n), new Uint32Array(n)];
	let [keys, nextKeys] = [Int32Array.from(values), new Int32Array(n)];
	let all = 0;
	for (let i = 0; i < n; i++) {
		order[i] = i;
		all |= values[i] as number;
	}
	const length = 32 - Math.clz32(all);
	const passes = Math.ceil(length / BITS);
	const bits = Math.ceil(length / Math.max(1, passes));
	const positions = new Uint32Array(2 ** bits);
	const mask = positions.length - 1;
	for (let shift = 0; shift < length; shift += bits) {
		positions.fill(0);
		for (let i = 0; i < n; i++) (positions[((keys[i] as number) >>> shift) & mask] as number)++;
		for (let digit = 0, start = 0; digit <= mask; digit++) {
			const count = positions[digit] as number;
			positions[digit] = start;
			start += count;
		}
		for (let i = 0; i < n; i++) {
			const key = keys[i] as number;
			const digit = (key >>> shift) & mask;
			const to = positions[digit] as number;
			positions[digit] = to + 1;
			next[to] = order[i] as number;
			nextKeys[to] = key;
		}
		[order, next] = [next, order];
		[keys, nextKeys] = [nextKeys, keys];
	}
	return order;
}

/**
 * The indices of the lowest values, that of the lowest first.
 * @param count - how many, in [1, values]
 */
export function lowest(values: Int32Array, count: number): Uint32Array {
	// Candidates below the highest of those that are known to be among the lowest; cut back to `count` whenever there is no more room.
	const room = 2 * count + ROOM;
	const [candidates, indices] = [new Int32Array(room), new Uint32Array(room)];
	let size = 0;
	let bound = 2 ** 31;
	const cut = () => {
		const order = ascending(candidates.subarray(0, size)).subarray(0, count);
		const [keptValues, keptIndices] = [order.map((i) => candidates[i] as number), order.map((i) => indices[i] as number)];
		candidates.set(keptValues);
		indices.set(keptIndices);
		size = order.length;
		if (size === count) bound = candidates[count - 1] as number;
	};
	for (let i = 0; i < values.length; i++) {
		const value = values[i] as number;
		if (value >= bound) continue;
		candidates[size] = value;
		indices[size++] = i;
		if (size === room) cut();
	}
	cut();
	return indices.slice(0, size);
}
