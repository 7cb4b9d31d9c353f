import { describe, expect, it } from "vitest";
import { Queue } from "./queue.ts";

const item = (number: number, priority = 0): { number: number; priority: number } => ({ number, priority });

describe("Queue", () => {
	it("is in the order of arrival within a priority, higher ones first", () => {
		const queue = new Queue<ReturnType<typeof item>>();
		const items = [item(0), item(1, 5), item(2), item(3, -1), item(4, 5), item(5, 0.5)];
		for (const one of [items[4], items[0], items[3], items[1], items[5], items[2]]) queue.add(one as (typeof items)[0]);
		expect([...queue].map(({ number }) => number)).toEqual([1, 4, 5, 0, 2, 3]);
		expect(items.map((one) => queue.position(one))).toEqual([3, 0, 4, 5, 1, 2]);
	});

	it("puts an item that comes back before later ones", () => {
		const queue = new Queue<ReturnType<typeof item>>();
		const [first, second] = [item(0), item(1)];
		queue.add(first);
		queue.add(second);
		expect(queue.remove(first)).toBe(true);
		expect(queue.first).toBe(second);
		queue.add(first);
		expect(queue.first).toBe(first);
	});

	it("removes what is there alone", () => {
		const queue = new Queue<ReturnType<typeof item>>();
		queue.add(item(0));
		expect(queue.remove(item(0))).toBe(false);
		expect(queue.length).toBe(1);
	});

	it("agrees with a sort on random ranks", () => {
		let state = 12345;
		const random = (below: number): number => {
			state = (state * 1103515245 + 12345) % 2 ** 31;
			return state % below;
		};
		const queue = new Queue<ReturnType<typeof item>>();
		const all = Array.from({ length: 500 }, (_, number) => item(number, random(7) - 3));
		for (const one of all.toSorted(() => random(3) - 1)) queue.add(one);
		for (const one of all.filter(({ number }) => number % 3 === 0)) queue.remove(one);
		const expected = all.filter(({ number }) => number % 3 !== 0).sort((a, b) => b.priority - a.priority || a.number - b.number);
		expect([...queue]).toEqual(expected);
		expect(queue.length).toBe(expected.length);
	});
});
