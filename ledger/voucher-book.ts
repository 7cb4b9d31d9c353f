/**
 * The vouchers that a payee keeps, on disk: DIR/CHANNEL/AMOUNT.json. A file per amount, so that two processes which accept at once
 * cannot replace a better voucher by a worse one; the best is the one with the largest name.
 */
import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Place } from "./context.ts";
import { LedgerError } from "./errors.ts";
import { channelId, formatVoucher, parseVoucher, type Voucher } from "./voucher.ts";

/** The best voucher of each channel. */
export class VoucherBook {
	readonly #folder: string;
	readonly #place: Place;

	/**
	 * @param options.folder is made when the first voucher is kept
	 * @param options.place the deployment whose vouchers it keeps; others are refused
	 */
	constructor(options: { folder: string; place: Place }) {
		this.#folder = options.folder;
		this.#place = options.place;
	}

	/**
	 * Keeps a voucher that was checked. When this returns, the voucher is on disk; worse ones of the channel are dropped.
	 *
	 * @returns whether it is the best of its channel
	 */
	async keep(voucher: Voucher): Promise<boolean> {
		const id = channelId(this.#place, voucher.key);
		const folder = join(this.#folder, id);
		await mkdir(folder, { recursive: true });
		const name = fileName(voucher.amount);
		const best = (await this.#names(id)).at(-1);
		if (best !== undefined && best > name) return false;
		await writeWhole(join(folder, name), `${formatVoucher(this.#place, voucher)}\n`);
		// Only after the new one is there.
		for (const old of (await this.#names(id)).filter((other) => other < name)) await rm(join(folder, old), { force: true });
		return true;
	}

	/**
	 * The best voucher of a channel, or undefined when there is none.
	 *
	 * @throws LedgerError `voucher.damaged` when its file is not what was written
	 */
	async best(id: string): Promise<Voucher | undefined> {
		const name = (await this.#names(id)).at(-1);
		if (name === undefined) return undefined;
		const path = join(this.#folder, id, name);
		try {
			const voucher = parseVoucher(this.#place, await readFile(path, "utf8"));
			if (channelId(this.#place, voucher.key) === id && fileName(voucher.amount) === name) return voucher;
		} catch (cause) {
			throw damaged(path, cause);
		}
		throw damaged(path, undefined);
	}

	/** The ids of all channels with a voucher. */
	async channels(): Promise<string[]> {
		const names = (await readFolder(this.#folder)).filter((name) => /^0x[0-9a-f]{64}$/.test(name)).sort();
		const kept = await Promise.all(names.map(async (id) => (await this.#names(id)).length > 0));
		return names.filter((_, i) => kept[i]);
	}

	/** File names of the vouchers of a channel, the best one last. */
	async #names(id: string): Promise<string[]> {
		return (await readFolder(join(this.#folder, id))).filter((name) => /^\d{29}\.json$/.test(name)).sort();
	}
}

/** Amounts below 2^96 have at most 29 digits. */
function fileName(amount: bigint): string {
	return `${amount.toString().padStart(29, "0")}.json`;
}

async function readFolder(path: string): Promise<string[]> {
	return readdir(path).catch((error: NodeJS.ErrnoException) => {
		if (error.code === "ENOENT") return [];
		throw error;
	});
}

/** Writes through a temporary file in the same folder: a crash or a full disk leaves the old file or none. */
async function writeWhole(path: string, content: string): Promise<void> {
	const temporary = `${path}.${randomBytes(4).toString("hex")}.tmp`;
	try {
		const file = await open(temporary, "wx");
		try {
			await file.writeFile(content);
			await file.sync();
		} finally {
			await file.close();
		}
		await rename(temporary, path);
	} catch (error) {
		await rm(temporary, { force: true });
		throw error;
	}
}

function damaged(path: string, cause: unknown): LedgerError {
	return new LedgerError("voucher.damaged", `VoucherBook: expected a whole voucher in ${path}`, {
		hint: "Restore the file from a copy, or delete it and ask the payer for the last voucher.",
		...(cause === undefined ? {} : { cause }),
	});
}
