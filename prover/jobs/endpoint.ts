/**
 * How other processes of this machine use an embedded store: its owner answers them over HTTP on 127.0.0.1, whoever has the token from
 * `owner.json` (readable by the owner's user alone).
 *
 *     POST /v1/METHOD?arguments=JSON      authorization: Bearer TOKEN      the body is a submission's octets
 *     200 { value }      400 { error }
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { ProverError, packError, unpackError } from "../errors.ts";
import type { Owner } from "./lock.ts";
import { MAX_OCTETS } from "./submission.ts";
import type { JobResult, Jobs, JobView, Status, Submit, Submitted } from "./view.ts";

type Method = Exclude<keyof Jobs, "close">;

const HOST = "127.0.0.1";

/** A running endpoint. */
export interface Endpoint {
	readonly port: number;
	/** Serves a store; callers wait until there is one. */
	serve(jobs: Jobs): void;
	close(): Promise<void>;
}

/**
 * Listens on a free port.
 * @param token what callers must show
 */
export async function openEndpoint(token: string): Promise<Endpoint> {
	const { promise: ready, resolve: serve } = Promise.withResolvers<Jobs>();
	let isServing = false;
	const server = createServer(async (request, response) => {
		try {
			if (!isToken(request.headers.authorization ?? "", `Bearer ${token}`)) {
				response.writeHead(401).end();
				return;
			}
			const value = await answer(await ready, request);
			response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ value }));
		} catch (error) {
			response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify({ error: packError(error, "jobs.database") }));
		}
	});
	await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, HOST, resolve));
	return {
		port: (server.address() as AddressInfo).port,
		serve(jobs) {
			isServing = true;
			serve(jobs);
		},
		async close() {
			const closed = closeServer(server);
			// Callers that wait for a store that never came.
			if (!isServing) server.closeAllConnections();
			await closed;
		},
	};
}

/** Ends a server with the connections that are idle; those at work are answered first. */
export async function closeServer(server: Server): Promise<void> {
	await new Promise<void>((resolve) => {
		server.close(() => resolve());
		server.closeIdleConnections();
	});
}

async function answer(jobs: Jobs, request: IncomingMessage): Promise<unknown> {
	const { pathname, searchParams } = new URL(request.url ?? "/", `http://${HOST}`);
	const [first, second] = JSON.parse(searchParams.get("arguments") ?? "[]");
	switch (pathname.replace(/^\/v1\//, "") as Method) {
		case "submit":
			return jobs.submit({ ...first, octets: await readBody(request) });
		case "find":
			return jobs.find(first);
		case "result":
			return (await jobs.result(first)) ?? null;
		case "status":
			return jobs.status();
		case "retry":
			return jobs.retry(first);
		case "forget":
			return jobs.forget(first, second);
		case "drain":
			return jobs.drain();
		default:
			throw new ProverError("jobs.format", `openEndpoint: expected a method of the store, got ${pathname}`);
	}
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
	const chunks: Buffer[] = [];
	let bytes = 0;
	for await (const chunk of request as AsyncIterable<Buffer>) {
		bytes += chunk.length;
		// One more than allowed is kept, so that the store says what is wrong; the rest is let go.
		if (bytes <= MAX_OCTETS + chunk.length) chunks.push(chunk);
	}
	return Buffer.concat(chunks);
}

function isToken(given: string, wanted: string): boolean {
	const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
	return timingSafeEqual(digest(given), digest(wanted));
}

/** The store of another process. */
export class RemoteJobs implements Jobs {
	readonly #owner: Owner;

	constructor(owner: Owner) {
		this.#owner = owner;
	}

	async submit({ octets, ...job }: Submit): Promise<Submitted> {
		return this.#call("submit", [job], octets);
	}

	async find(id: string): Promise<JobView> {
		return this.#call("find", [id]);
	}

	async result(id: string): Promise<JobResult | undefined> {
		return (await this.#call<JobResult | null>("result", [id])) ?? undefined;
	}

	async status(): Promise<Status> {
		return this.#call("status", []);
	}

	async retry(id: string): Promise<void> {
		await this.#call("retry", [id]);
	}

	async forget(id: string, options: { readonly proven: boolean }): Promise<void> {
		await this.#call("forget", [id, options]);
	}

	async drain(): Promise<number> {
		return this.#call("drain", []);
	}

	async close(): Promise<void> {}

	/** @throws ProverError `jobs.owned` when nobody answers, or the answer is not the owner's; what the store throws */
	async #call<Value>(method: Method, parts: readonly unknown[], body?: Uint8Array): Promise<Value> {
		const { port, token, pid } = this.#owner;
		const url = `http://${HOST}:${port}/v1/${method}?arguments=${encodeURIComponent(JSON.stringify(parts))}`;
		const init = { method: "POST", headers: { authorization: `Bearer ${token}`, connection: "close" } };
		const response = await fetch(url, body ? { ...init, body: body as Uint8Array<ArrayBuffer> } : init).catch((cause) => {
			throw new ProverError(
				"jobs.owned",
				`${method}: expected process ${pid} to answer on port ${port}, got ${cause.cause?.code ?? cause.message}`,
				{
					hint: "the owner of the store has just ended or is ending: try again",
					cause,
				},
			);
		});
		if (response.status !== 200 && response.status !== 400) {
			throw new ProverError(
				"jobs.owned",
				`${method}: expected the owner of the store to answer, got HTTP ${response.status} of another program`,
			);
		}
		const answered = (await response.json()) as { value: Value; error?: undefined } | { error: Parameters<typeof unpackError>[0] };
		if (answered.error) throw unpackError(answered.error);
		return answered.value;
	}
}
