/** What waits in the pool: higher priorities first, first come first served within one. */

/** An item's place in the order. */
export interface Ranked {
	/** higher first */
	readonly priority: number;
	/** ascending in the order of arrival */
	readonly number: number;
}

/** A sorted list. Taking the first and looking are cheap; adding and removing move what is behind. */
export class Queue<Item extends Ranked> {
	readonly #items: Item[] = [];

	get length(): number {
		return this.#items.length;
	}

	/** Puts an item where its rank says: one that was taken and comes back is first of its priority. */
	add(item: Item): void {
		this.#items.splice(this.position(item), 0, item);
	}

	/** How many items are before this one, whether it is there or not. */
	position(item: Item): number {
		let [low, high] = [0, this.#items.length];
		while (low < high) {
			const middle = (low + high) >> 1;
			if (isBefore(this.#items[middle] as Item, item)) low = middle + 1;
			else high = middle;
		}
		return low;
	}

	/** The next one; undefined when there is none. */
	get first(): Item | undefined {
		return this.#items[0];
	}

	/** @returns whether the item was there */
	remove(item: Item): boolean {
		const isThere = this.has(item);
		if (isThere) this.#items.splice(this.position(item), 1);
		return isThere;
	}

	has(item: Item): boolean {
		return this.#items[this.position(item)] === item;
	}

	/** From the first to the last. */
	[Symbol.iterator](): Iterator<Item> {
		return this.#items[Symbol.iterator]();
	}
}

function isBefore(left: Ranked, right: Ranked): boolean {
	return left.priority > right.priority || (left.priority === right.priority && left.number < right.number);
}
