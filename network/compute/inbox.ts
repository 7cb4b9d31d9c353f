/** Messages in the order in which they came, for one reader that waits; none is lost while nobody does. */
export class Inbox<Message> {
	readonly #kept: Message[] = [];
	#hear: ((message: Message) => void) | undefined;

	put(message: Message): void {
		const hear = this.#hear;
		this.#hear = undefined;
		if (hear) hear(message);
		else this.#kept.push(message);
	}

	async take(): Promise<Message> {
		if (this.#kept.length > 0) return this.#kept.shift() as Message;
		return new Promise((hear) => {
			this.#hear = hear;
		});
	}
}
