/**
 * Prometheus metrics of a prover and a health check, on 127.0.0.1. Who wants them elsewhere puts a proxy in front.
 *
 *     GET /metrics     queue sizes as the store knows them at that moment, and what this prover did since it started
 *     GET /health      200 while the store answers, else 503
 */
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { ProverError } from "../errors.ts";
import type { PoolStatistics } from "../pool/statistics.ts";
import { closeServer } from "./endpoint.ts";
import type { RunnerEvent } from "./runner.ts";
import { JOB_STATES, type Jobs } from "./view.ts";

const PREFIX = "openledger_prover_";
/** Seconds: from a toy circuit to 2^22 constraints. */
const BUCKETS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600];

/** Counts what a prover does. */
export class Metrics {
	readonly #registry = new Registry();
	readonly #jobs: Jobs;
	readonly #proofs: Counter<"result">;
	readonly #phases: Histogram<"phase">;
	readonly #running: Gauge;
	#server: Server | undefined;

	/** @param statistics of the pool that proves */
	constructor(jobs: Jobs, statistics: () => PoolStatistics) {
		this.#jobs = jobs;
		const registers = [this.#registry];
		collectDefaultMetrics({ register: this.#registry, prefix: PREFIX });
		this.#proofs = new Counter({
			name: `${PREFIX}proofs_total`,
			help: "Attempts of this prover by how they ended: proven, retry, poisoned, released, lost",
			labelNames: ["result"],
			registers,
		});
		this.#phases = new Histogram({
			name: `${PREFIX}phase_seconds`,
			help: "Wall seconds of each step of this prover's proofs",
			labelNames: ["phase"],
			buckets: BUCKETS,
			registers,
		});
		this.#running = new Gauge({ name: `${PREFIX}running_jobs`, help: "Jobs that this prover is at", registers });
		for (const result of ["proven", "retry", "poisoned", "released", "lost"]) this.#proofs.inc({ result }, 0);
		const sizes = new Gauge({ name: `${PREFIX}queue_jobs`, help: "Jobs of the whole store by state", labelNames: ["state"], registers });
		const waiting = new Gauge({
			name: `${PREFIX}queue_waiting_jobs`,
			help: "Waiting jobs of the whole store by priority",
			labelNames: ["priority"],
			registers,
		});
		const provers = new Gauge({ name: `${PREFIX}queue_provers`, help: "Provers that are alive", registers });
		const ends = new Counter({
			name: `${PREFIX}worker_restarts_total`,
			help: "Worker threads that were ended: crashed, aborted with their job, recycled for their memory",
			labelNames: ["reason"],
			registers,
		});
		const memory = new Gauge({
			name: `${PREFIX}pool_memory_bytes`,
			help: "Bytes that running proofs are predicted to take (reserved), and may take (limit)",
			labelNames: ["kind"],
			registers,
		});
		this.#refresh = async () => {
			const { threads, memory: bytes } = statistics();
			ends.reset();
			for (const reason of ["crashed", "aborted", "recycled"] as const) ends.inc({ reason }, threads[reason]);
			for (const kind of ["reserved", "limit"] as const) memory.set({ kind }, bytes[kind]);
			const status = await this.#jobs.status();
			for (const state of JOB_STATES) sizes.set({ state }, status.counts[state]);
			waiting.reset();
			for (const { priority, waiting: count } of status.priorities) waiting.set({ priority }, count);
			provers.set(status.provers.length);
		};
	}

	readonly #refresh: () => Promise<void>;

	/** Takes note of what a runner tells. */
	note(event: RunnerEvent): void {
		switch (event.type) {
			case "taken":
				this.#running.inc();
				break;
			case "proven":
				for (const [phase, milliseconds] of Object.entries(event.timings)) this.#phases.observe({ phase }, milliseconds / 1000);
				this.#end("proven");
				break;
			case "failed":
				this.#end(event.state === "poisoned" ? "poisoned" : "retry");
				break;
			case "released":
			case "lost":
				this.#end(event.type);
		}
	}

	#end(result: string): void {
		this.#running.dec();
		this.#proofs.inc({ result });
	}

	/** @returns the text format of Prometheus */
	async text(): Promise<string> {
		await this.#refresh();
		return this.#registry.metrics();
	}

	/**
	 * Serves metrics and health. Does not keep a process alive.
	 * @param port in `[0, 65535]`; 0: a free one
	 * @returns the port
	 * @throws ProverError `jobs.owned` when the port is taken
	 */
	async listen(port: number): Promise<number> {
		const server = createServer((request, response) => {
			const send = (work: Promise<string>, type: string): void => {
				work.then(
					(text) => end(response, 200, type, text),
					(error) => end(response, 503, "text/plain", `${(error as Error).message}\n`),
				);
			};
			if (request.url === "/metrics") send(this.text(), this.#registry.contentType);
			else if (request.url === "/health")
				send(
					this.#refresh().then(() => "ok\n"),
					"text/plain",
				);
			else end(response, 404, "text/plain", "GET /metrics or /health\n");
		});
		await new Promise<void>((resolve, reject) => {
			server.once("error", (cause) =>
				reject(
					new ProverError("jobs.owned", `metrics: expected port ${port} of 127.0.0.1 to be free, got ${cause.message}`, {
						hint: "give another port, or 0 for any",
						cause,
					}),
				),
			);
			server.listen(port, "127.0.0.1", resolve);
		});
		server.unref();
		this.#server = server;
		return (server.address() as AddressInfo).port;
	}

	async close(): Promise<void> {
		if (this.#server) await closeServer(this.#server);
		this.#registry.clear();
	}
}

function end(response: ServerResponse, status: number, type: string, text: string): void {
	response.writeHead(status, { "content-type": type, connection: "close" }).end(text);
}
