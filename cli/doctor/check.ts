/** What the doctor looks at, one thing at a time. */

export interface Check {
	readonly what: string;
	/** Whether it is as it should be. */
	readonly ok: boolean;
	/** Whether something does not work without it; else it makes things faster or is for some only. */
	readonly needed: boolean;
	/** What was found. */
	readonly found: string;
	/** What to do, where it is not as it should be. */
	readonly remedy?: string;
}

const [KB, STEP] = [1e3, 1e3];

/** Bytes in words. */
export function size(bytes: number): string {
	const units = ["kB", "MB", "GB", "TB"];
	let [value, unit] = [bytes / KB, 0];
	for (; value >= STEP && unit < units.length - 1; unit++) value /= STEP;
	return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}
