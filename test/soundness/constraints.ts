/** A compiled circuit as its constraints, for forgers: witnesses can be altered wire by wire and held against them. */
import { readFile } from "node:fs/promises";
import type { Circuit, CircuitInputs } from "../../circuits/circuit.ts";
import { FIELD, reduce } from "../../circuits/field.ts";
import { fromBytesLE } from "../../prover/bn254.ts";
import { type CompiledCircuit, type CompileOptions, compileCircuit } from "../../prover/compile.ts";
import { type R1cs, readR1cs, type SparseMatrix } from "../../prover/r1cs.ts";
import { flattenInputs, WitnessProgram } from "../../prover/witness.ts";

export class Constraints {
	readonly compiled: CompiledCircuit;
	readonly r1cs: R1cs;
	private readonly program: WitnessProgram;
	private readonly symbols: ReadonlyMap<string, number>;
	private readonly uses: readonly (readonly number[])[];

	private constructor(compiled: CompiledCircuit, r1cs: R1cs, program: WitnessProgram, symbols: ReadonlyMap<string, number>) {
		this.compiled = compiled;
		this.r1cs = r1cs;
		this.program = program;
		this.symbols = symbols;
		const uses: Set<number>[] = Array.from({ length: r1cs.nWires }, () => new Set());
		for (const { starts, wires } of [r1cs.a, r1cs.b, r1cs.c]) {
			for (let row = 0; row < r1cs.nConstraints; row++) {
				for (let t = starts[row] as number; t < (starts[row + 1] as number); t++) {
					uses[wires[t] as number]?.add(row);
				}
			}
		}
		this.uses = uses.map((rows) => [...rows]);
	}

	static async of(circuit: Circuit, options: CompileOptions = {}): Promise<Constraints> {
		const compiled = await compileCircuit(circuit, options);
		const symbols = new Map<string, number>();
		for (const line of (await readFile(compiled.sym, "utf8")).split("\n")) {
			const [, wire, , name] = line.split(",");
			if (name !== undefined && wire !== "-1") {
				symbols.set(name, Number(wire));
			}
		}
		return new Constraints(compiled, await readR1cs(compiled.r1cs), await WitnessProgram.load(compiled), symbols);
	}

	/** All wires for given inputs; throws where circom's own assertions fail. */
	async witness(inputs: CircuitInputs): Promise<bigint[]> {
		const flat = flattenInputs(this.compiled, inputs, this.compiled.inputs);
		const bytes = await this.program.calculate(flat);
		return Array.from({ length: bytes.length / 32 }, (_, i) => fromBytesLE(bytes, 32 * i));
	}

	/** Wire of a symbol such as "main.x[0][1]". */
	wire(symbol: string): number {
		const wire = this.symbols.get(symbol);
		if (wire === undefined) {
			throw new Error(`constraints: no symbol ${symbol} in ${this.compiled.circuit.id}`);
		}
		return wire;
	}

	/** Names of a wire. */
	names(wire: number): string[] {
		return [...this.symbols].filter(([, at]) => at === wire).map(([name]) => name);
	}

	/** Constraints that `witness` breaks, among `rows` or all of them. */
	broken(witness: readonly bigint[], rows?: readonly number[]): number[] {
		const list = rows ?? Array.from({ length: this.r1cs.nConstraints }, (_, row) => row);
		return list.filter(
			(row) =>
				reduce(this.line(this.r1cs.a, row, witness) * this.line(this.r1cs.b, row, witness) - this.line(this.r1cs.c, row, witness)) !== 0n,
		);
	}

	/** Wires that can be changed alone, by adding `delta`, without breaking any constraint of a satisfied system. */
	freeWires(witness: readonly bigint[], delta: bigint): number[] {
		const altered = [...witness];
		const free: number[] = [];
		for (let wire = 1; wire < altered.length; wire++) {
			const honest = altered[wire] as bigint;
			altered[wire] = (honest + delta) % FIELD;
			if (this.broken(altered, this.uses[wire]).length === 0) {
				free.push(wire);
			}
			altered[wire] = honest;
		}
		return free;
	}

	private line(matrix: SparseMatrix, row: number, witness: readonly bigint[]): bigint {
		let sum = 0n;
		for (let t = matrix.starts[row] as number; t < (matrix.starts[row + 1] as number); t++) {
			sum += (this.r1cs.coefficients[matrix.coefficients[t] as number] as bigint) * (witness[matrix.wires[t] as number] as bigint);
		}
		return sum % FIELD;
	}
}

/** The inputs of an instance for a given challenge, evaluation included. */
export function withChallenge(
	inputs: CircuitInputs,
	words: readonly bigint[],
	hasWords: boolean,
	challenge: bigint,
	blind = 5n,
): CircuitInputs {
	let evaluation = 0n;
	for (const word of [...words].reverse()) {
		evaluation = ((evaluation + word) * challenge) % FIELD;
	}
	return { ...inputs, blind, challenge, ...(hasWords ? { evaluation } : {}) };
}
