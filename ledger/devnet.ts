/**
 * A private chain on this machine, for tests and first runs: anvil, mining each transaction at once. As on the main chain, no
 * transaction takes more than 2^24 gas (EIP-7825).
 *
 * The platform binary is started directly, so there is one process and its id is known. It must never outlive us, and there is
 * no place for clean-up code when we are killed. So a second process watches: a shell that blocks on a pipe whose only writer is
 * us. However we end (exit, SIGINT, SIGTERM, SIGKILL), the kernel closes the pipe and the shell kills anvil. Both run in sessions of
 * their own, so that Ctrl-C in a terminal reaches only us and we decide when the chain stops. On Windows, which has no such shell, a
 * hook on our exit stops anvil; there a killed parent leaves it behind.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { HDNodeWallet } from "ethers";
import { decodeError, LedgerError } from "./errors.ts";
import { connect, DEVNET_CHAIN } from "./node.ts";

/** The phrase that anvil and other local chains derive their funded accounts from. Public: never use it elsewhere. */
const PHRASE = "test test test test test test test test test test test junk";

export interface Devnet {
	/** http address of the node */
	readonly url: string;
	readonly chainId: number;
	/** private keys of the funded accounts (10,000 coins each), 0x-prefixed */
	readonly keys: readonly string[];
	/** process id of anvil */
	readonly pid: number;
	/** Ends the chain and waits until it is gone. May be called again. */
	close(): Promise<void>;
}

/**
 * Starts a chain and waits until it answers.
 *
 * @param options.chainId 31337 by default; development keys work on no other
 * @param options.accounts number of funded accounts, 1 to 2,048; 10 by default
 * @param options.host address to listen on, 127.0.0.1 by default
 * @param options.port 0 (default) takes a free one
 * @param options.signal stops the start, or the chain when it runs
 * @param options.timeoutMs longest wait for the first answer, 60,000 by default
 * @param options.binary another anvil than the one in node_modules
 * @throws LedgerError `devnet.missing`, `devnet.died` (with its own words), `aborted`, `input.invalid`
 */
export async function startDevnet(
	options: {
		chainId?: number;
		accounts?: number;
		host?: string;
		port?: number;
		signal?: AbortSignal;
		timeoutMs?: number;
		binary?: string;
	} = {},
): Promise<Devnet> {
	const { chainId = DEVNET_CHAIN, accounts = 10, host = "127.0.0.1", port = 0, timeoutMs = 60_000, signal } = options;
	if (!Number.isInteger(accounts) || accounts < 1 || accounts > 2048) {
		throw new LedgerError("input.invalid", `startDevnet: expected 1 to 2048 accounts, got ${accounts}`, { hint: "Choose fewer accounts." });
	}
	if (signal?.aborted) throw aborted();
	const binary = options.binary ?? findBinary();
	const flags = [
		"--chain-id",
		chainId,
		"--accounts",
		accounts,
		"--host",
		host,
		"--port",
		port,
		"--mnemonic",
		PHRASE,
		"--enable-tx-gas-limit",
	];
	const anvil = spawn(binary, flags.map(String), {
		stdio: ["ignore", "pipe", "pipe"],
		detached: process.platform !== "win32",
		windowsHide: true,
	});
	const stop = keepWatch(anvil);
	const close = async (): Promise<void> => {
		signal?.removeEventListener("abort", close);
		await stop();
	};
	signal?.addEventListener("abort", close, { once: true });
	try {
		const address = await listening(anvil, binary, timeoutMs);
		const url = `http://${address}`;
		await connect({ url, chainId });
		anvil.unref();
		const root = HDNodeWallet.fromPhrase(PHRASE, "", "m/44'/60'/0'/0");
		const keys = Array.from({ length: accounts }, (_, i) => root.deriveChild(i).privateKey);
		return { url, chainId, keys, pid: anvil.pid as number, close };
	} catch (error) {
		await close();
		throw signal?.aborted ? aborted() : decodeError(error);
	}
}

/** Where npm put the binary of this platform. */
function findBinary(): string {
	const arch = process.arch === "x64" ? "amd64" : process.arch;
	const name = `@foundry-rs/anvil-${process.platform}-${arch}`;
	try {
		// The platform package is a dependency of the wrapper, so it is looked up from there.
		const wrapper = createRequire(import.meta.url).resolve("@foundry-rs/anvil/package.json");
		const folder = dirname(createRequire(wrapper).resolve(`${name}/package.json`));
		return join(folder, "bin", process.platform === "win32" ? "anvil.exe" : "anvil");
	} catch (cause) {
		throw missing(name, cause);
	}
}

function missing(what: string, cause: unknown): LedgerError {
	return new LedgerError("devnet.missing", `startDevnet: expected ${what} to be installed`, {
		hint: "Run npm install (with optional dependencies), or give the address of a running node.",
		cause,
	});
}

/** Resolves with host:port as soon as anvil prints it; rejects with anvil's own words when it ends before that. */
function listening(anvil: ChildProcess, binary: string, timeoutMs: number): Promise<string> {
	return new Promise((resolve, reject) => {
		let output = "";
		let faults = "";
		const died = (what: string) =>
			reject(
				new LedgerError("devnet.died", `startDevnet: ${what}: ${faults.trim() || output.trim().slice(-500) || "it said nothing"}`, {
					hint: "If the port is taken, choose another or 0.",
				}),
			);
		const timer = setTimeout(() => died(`anvil did not listen within ${timeoutMs} ms`), timeoutMs);
		anvil.once("error", (cause) => {
			clearTimeout(timer);
			reject(missing(binary, cause));
		});
		// "close", not "exit": only then all of its words have arrived.
		anvil.once("close", (status, signalName) => {
			clearTimeout(timer);
			died(`anvil ended with ${signalName ?? status}`);
		});
		anvil.stderr?.on("data", (chunk: Buffer) => {
			faults = (faults + chunk).slice(-4_000);
		});
		const search = (chunk: Buffer) => {
			output += chunk;
			const address = /Listening on (\S+)/.exec(output)?.[1];
			if (address === undefined) return;
			clearTimeout(timer);
			// Anvil logs every call; the pipe must stay empty, but nobody reads it.
			anvil.stdout?.off("data", search).resume();
			resolve(address);
		};
		anvil.stdout?.on("data", search);
	});
}

/** Ties the life of `anvil` to ours. @returns a function that ends it and waits for its end */
function keepWatch(anvil: ChildProcess): () => Promise<void> {
	const ended = new Promise<void>((resolve) => {
		if (anvil.pid === undefined) resolve();
		else anvil.once("exit", () => resolve());
	});
	const kill = () => void anvil.kill("SIGKILL");
	process.once("exit", kill);
	const posix = process.platform !== "win32" && anvil.pid !== undefined;
	// A line means that anvil is gone already and its number may belong to another process; end of file means that we are gone.
	const watchdog = posix
		? spawn("/bin/sh", ["-c", 'read -r _ || kill -9 "$1"', "sh", String(anvil.pid)], {
				stdio: ["pipe", "ignore", "ignore"],
				detached: true,
			})
		: undefined;
	watchdog?.on("error", () => {});
	watchdog?.stdin?.on("error", () => {});
	watchdog?.unref();
	for (const stream of [anvil.stdout, anvil.stderr, watchdog?.stdin]) (stream as unknown as { unref?: () => void } | null)?.unref?.();
	void ended.then(() => {
		process.off("exit", kill);
		watchdog?.stdin?.end("\n");
	});
	return async () => {
		anvil.ref();
		kill();
		await ended;
	};
}

function aborted(): LedgerError {
	return new LedgerError("aborted", "startDevnet: stopped on request", { hint: "Run again to start a chain." });
}
