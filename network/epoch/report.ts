/** The figures of a run: what `epoch run` prints and `report.json` keeps. */
import type { ContributorLine } from "./bundle.ts";
import type { ScreeningLine } from "./screening.ts";

export interface ProofFigure {
	readonly epoch: string;
	readonly name: string;
	readonly statement: string;
	readonly parameters: string;
	readonly constraints: number;
	readonly witnessMs: number;
	readonly proveMs: number;
	readonly publicSignals: Readonly<Record<string, string>>;
}

export interface RunReport {
	readonly schema: "openledger.report.v1";
	readonly contributors: readonly (ContributorLine & { readonly epoch: string })[];
	/** Contributors with rows that do not count, with flags, or left out. */
	readonly screening: readonly ScreeningLine[];
	readonly proofs: readonly ProofFigure[];
	/** Largest gas of each kind of transaction. */
	readonly gas: Readonly<Record<string, number>>;
	/** Milliseconds of each phase. */
	readonly timings: Readonly<Record<string, number>>;
	readonly peakMemoryMB: number;
	readonly checkpoints: readonly {
		readonly epoch: string;
		readonly accuracy: number;
		readonly loss: number;
		readonly efficiencyError: number;
	}[];
	readonly resumed: boolean;
}

/** Adds up milliseconds by phase. */
export class Clock {
	readonly phases: Record<string, number> = {};

	async time<T>(phase: string, work: () => Promise<T>): Promise<T> {
		const start = performance.now();
		try {
			return await work();
		} finally {
			this.phases[phase] = (this.phases[phase] ?? 0) + Math.round(performance.now() - start);
		}
	}
}
