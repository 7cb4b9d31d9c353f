/**
 * The attacks. Each starts from a witness that satisfies the circuit and changes something; a success is a change that no constraint notices.
 *
 *     control    the honest witness holds, and replays agree with circom's witness program: without that the rest says nothing
 *     hints      every wire that `<--` assigns is replaced, alone and with everything after it solved again
 *     wires      every wire is changed alone
 *     aliases    digits of v are replaced by digits of v + r
 *     freedom    rank of the constraints in the wires that are no inputs: a wire that may move while all inputs stay is free
 *     relations  every constraint is left out: one that nothing misses, or a number of relations that is not the documented one, is a finding
 *     rigidity   rank of the constraints over many challenges, in the private inputs while the public signals stay, and in the public signals while the private inputs
 *                stay: what may move under all challenges is free
 *     publics    every public signal is changed, alone and with all wires solved again
 *     binding    values are moved after the challenge is known, others follow until all constraints hold; then the challenge follows from the new commitment
 *     warnings   circom --inspect
 *
 * The ranks are those at one random witness, over r: they see every family of forgeries that passes through it, not an isolated one. Aliases are the isolated
 * forgeries that are known; boundaries of ranges are for the tests of a statement.
 */
import { reduce } from "../../circuits/field.ts";
import { Binding } from "./binding.ts";
import { Constraints, type Term, withChallenge } from "./constraints.ts";
import type { Draws } from "./draws.ts";
import { Echelon, type Vector } from "./elimination.ts";
import { Linearisation } from "./linearisation.ts";
import { aliasesOf, decompositionsOf, formValue, type Lookup, lookupsOf, spanOf, widthsOf } from "./ranges.ts";
import { Replay } from "./replay.ts";
import { ATTACKS, type AttackName, type AttackReport, report, type Target } from "./target.ts";
import { componentsOf, reachable, readTemplates, type Template } from "./templates.ts";

/** A target at its honest witness. */
interface Site {
	readonly target: Target;
	readonly system: Constraints;
	readonly templates: ReadonlyMap<string, Template>;
	readonly lookups: readonly Lookup[];
	readonly draws: Draws;
	readonly honest: readonly bigint[];
	readonly shape: Linearisation;
	readonly replay: Replay;
}

/** Constraints that each run really leaves out. */
const SAMPLE = 8;

type Attack = (site: Site) => Promise<AttackReport> | AttackReport;

const RUN: Record<AttackName, Attack> = { control, hints, wires, aliases, freedom, relations, rigidity, publics, binding, warnings };

/**
 * Attacks a target.
 * @param only the attacks to run; default: all
 * @throws CompileError, WitnessError when the target is no true statement about its circuit; the signal's reason
 */
export async function* attack(
	target: Target,
	draws: Draws,
	options: { readonly only?: readonly AttackName[]; readonly signal?: AbortSignal } = {},
): AsyncGenerator<AttackReport> {
	const { circuit } = target.instance;
	const compile = { ...(target.libraries ? { libraries: target.libraries } : {}), ...(options.signal ? { signal: options.signal } : {}) };
	const system = await Constraints.of(circuit, compile);
	const templates = await readTemplates(circuit, target.libraries);
	const honest = await system.witness(withChallenge(target.instance, draws.next(), draws.next()));
	const shape = Linearisation.at(system, honest);
	const lookups = lookupsOf(system, templates.get("RangeLookup"));
	const site: Site = { target, system, templates, lookups, draws, honest, shape, replay: new Replay(shape, honest) };
	for (const name of ATTACKS) {
		options.signal?.throwIfAborted();
		if (options.only?.includes(name) ?? true) {
			yield await RUN[name](site);
		}
	}
}

async function control({ target, system, honest, replay, draws }: Site): Promise<AttackReport> {
	const findings = system.broken(honest).map((row) => `the honest witness breaks ${system.describe(row)}`);
	const inputs = withChallenge(target.instance, draws.next());
	const again = await system.witness(inputs);
	const forced = new Map<number, bigint>();
	for (const { name, wire, size } of system.compiled.inputs) {
		for (let i = 0; i < size; i++) {
			const value = inputs[name] as bigint | readonly bigint[];
			forced.set(wire + i, typeof value === "bigint" ? value : (value[i] as bigint));
		}
	}
	const replayed = replay.run(forced);
	again.forEach((value, wire) => {
		if (replayed[wire] !== value) {
			findings.push(`a replay gives ${system.name(wire)} another value than the witness program`);
		}
	});
	return report(target, "control", 2, findings, "honest witnesses under two challenges are accepted");
}

function hints({ target, system, templates, honest, shape, replay, draws }: Site): AttackReport {
	const findings = new Set<string>();
	const position = new Map(shape.pivots.map(({ wire }, at) => [wire, at]));
	const [, firstComputed] = system.privateInputs;
	let tried = 0;
	const wires = new Set<number>();
	for (const template of reachable(target.instance.circuit, templates).filter((one) => one.hints.size > 0)) {
		const components = componentsOf(template, system.symbols.keys());
		if (components.length === 0) {
			tried++;
			findings.add(`no component of ${template.name}, which assigns ${[...template.hints].join(", ")} without a constraint`);
		}
		for (const [symbol, wire] of system.symbols) {
			const dot = symbol.lastIndexOf(".");
			if (!components.includes(symbol.slice(0, dot)) || !template.hints.has(symbol.slice(dot + 1).replace(/\[.*$/, ""))) {
				continue;
			}
			// circom eliminates a signal that no constraint reads, or that equals another one, whose wire is attacked then.
			if (wire >= firstComputed || (wire > 0 && wire <= system.r1cs.nOutputs)) {
				wires.add(wire);
			}
		}
	}
	for (const wire of wires) {
		const value = honest[wire] as bigint;
		for (const other of new Set([0n, value + 1n, value - 1n, value + (1n << 253n), -value, 1n - value, draws.next()].map(reduce))) {
			if (other === value) {
				continue;
			}
			tried++;
			// The row that determines the wire from wires before it cannot be repaired by wires after it.
			const at = position.get(wire);
			const row = at === undefined ? undefined : shape.pivots[at]?.row;
			const settled =
				row !== undefined &&
				(system.rows[row] as readonly Term[]).every((term) => {
					const before = position.get(term.wire);
					return term.wire === wire || term.wire < firstComputed || (before !== undefined && before < (at as number));
				});
			const altered = [...honest];
			altered[wire] = other;
			if (settled && system.broken(altered, [row as number]).length > 0) {
				continue;
			}
			if (system.broken(replay.run(new Map([[wire, other]]))).length === 0) {
				findings.add(system.name(wire));
			}
		}
	}
	return report(
		target,
		"hints",
		tried,
		[...findings],
		`${wires.size} wires of "<--": 0, 1 more, 1 less, 2^253 more, negated, flipped, random`,
	);
}

function wires({ target, system, honest, draws }: Site): AttackReport {
	const random = draws.next();
	const deltas: ((value: bigint) => bigint)[] = [
		() => 1n,
		() => -1n,
		() => 1n << 128n,
		() => random,
		(value) => -value,
		(value) => -2n * value,
	];
	const findings = new Set<string>();
	let tried = 0;
	for (const delta of deltas) {
		tried += honest.slice(1).filter((value) => delta(value) !== 0n).length;
		for (const wire of system.changeable(honest, delta)) {
			findings.add(system.name(wire));
		}
	}
	return report(target, "wires", tried, [...findings], `${honest.length - 1} wires: 1 more, 1 less, 2^128 more, random, 0, negated`);
}

function aliases({ target, system, lookups, honest, replay }: Site): AttackReport {
	const decompositions = decompositionsOf(system, widthsOf(system, lookups));
	const findings: string[] = [];
	let tried = 0;
	for (const digits of decompositions) {
		for (const other of aliasesOf(digits, honest)) {
			tried++;
			if (system.broken(recount(lookups, replay, other)).length === 0) {
				findings.push(digits.map(({ wire }) => system.name(wire)).at(-1) as string);
			}
		}
	}
	const widest = Math.max(0, ...decompositions.map(spanOf));
	const room = widest < 254 ? "no room for v + r" : "v + r fits";
	return report(target, "aliases", tried, findings, `${decompositions.length} numbers in digits, the widest of ${widest} bits: ${room}`);
}

/** Forces wires and counts the lookups again, as a prover would. */
function recount(lookups: readonly Lookup[], replay: Replay, forced: Map<number, bigint>): bigint[] {
	const witness = replay.run(forced);
	const counted = new Map(forced);
	for (const { values, counts } of lookups) {
		const found = new Array<bigint>(counts.length).fill(0n);
		for (const value of values) {
			const entry = formValue(value, witness);
			if (entry < BigInt(counts.length)) {
				found[Number(entry)] = (found[Number(entry)] as bigint) + 1n;
			}
		}
		counts.forEach((wire, j) => {
			counted.set(wire, found[j] as bigint);
		});
	}
	return lookups.length === 0 ? witness : replay.run(counted);
}

function freedom({ target, system, shape }: Site): AttackReport {
	const free = shape.free.map((wire) => system.name(wire));
	const computed = system.r1cs.nWires - 1 - system.r1cs.nPublicInputs - system.r1cs.nPrivateInputs;
	return report(target, "freedom", computed, free, `${computed} computed wires, all inputs held`);
}

function relations({ target, system, shape, draws }: Site): AttackReport {
	const { rank, dependent } = shape.rank();
	const findings = dependent.map((row) => `${system.describe(row)} follows from other constraints`);
	// Some are really left out; for all others the ranks say the same.
	const sample = Array.from({ length: Math.min(SAMPLE, system.rows.length) }, () => Number(draws.next() % BigInt(system.rows.length)));
	for (const row of sample) {
		if (shape.without(row).rank().rank >= rank && !dependent.includes(row)) {
			findings.push(`nothing misses ${system.describe(row)}`);
		}
	}
	if (shape.relations.length !== target.relations) {
		const found = shape.relations.map(({ row }) => system.describe(row)).join("; ");
		findings.push(`expected ${target.relations} relations between inputs, got ${shape.relations.length}: ${found}`);
	}
	const note = `${system.rows.length} constraints, ${shape.relations.length} of them relations between inputs`;
	return report(target, "relations", system.rows.length + sample.length + 1, findings, note);
}

function rigidity({ target, system, lookups, shape, replay, draws }: Site): AttackReport {
	const [from, to] = system.privateInputs;
	const fixed = new Set<number>();
	const equations: Vector[] = [];
	const remaining = (vector: Vector): Vector => new Map([...vector].filter(([wire]) => wire >= from && wire < to && !fixed.has(wire)));
	if (target.trustLookups ?? true) {
		for (const { values, counts } of lookups) {
			for (const vector of [...values.map((value) => value.vector), ...counts.map((wire) => new Map([[wire, 1n]]))]) {
				const direct = [...vector.keys()].every((wire) => wire < to);
				const equation = remaining(direct ? vector : shape.reduce(vector));
				const [only] = equation.keys();
				if (equation.size === 1) {
					fixed.add(only as number);
				} else {
					equations.push(equation);
				}
			}
		}
	}
	// A public signal that the circuit computes cannot move while the inputs stay.
	const publicWires = target.instance.circuit.publics
		.map((name) => system.wire(`main.${name}`))
		.filter((wire) => wire > system.r1cs.nOutputs);
	const outside = new Echelon();
	const echelon = new Echelon();
	for (const vector of equations) {
		echelon.add(remaining(vector));
	}
	const columns = Array.from({ length: to - from }, (_, i) => from + i).filter((wire) => !fixed.has(wire));
	// What is compared at the challenge: relations whose gradient is another at another challenge, lookups not counted.
	const looked = new Set(lookups.flatMap(({ rows }) => rows));
	const projected = new Echelon();
	let challenges = 0;
	for (let idle = 0; idle < 2; challenges++) {
		const before = echelon.rank + outside.rank + projected.rank;
		const at = challenges === 0 ? shape : Linearisation.at(system, rechallenged(target, system, replay, draws.next()));
		at.relations.forEach(({ row, gradient }, i) => {
			echelon.add(remaining(gradient));
			outside.add(new Map([...gradient].filter(([wire]) => publicWires.includes(wire))));
			const first = shape.relations[i];
			if (at !== shape && !looked.has(row) && first?.row === row && !sameOn(first.gradient, gradient, from, to)) {
				projected.add(new Map([...gradient].filter(([wire]) => wire >= from && wire < to)));
			}
		});
		idle = echelon.rank + outside.rank + projected.rank === before ? idle + 1 : 0;
	}
	const findings = [...echelon.moving(columns), ...outside.moving(publicWires)].map((wire) => system.name(wire));
	if (projected.rank !== target.projected) {
		findings.push(`expected projections to determine ${target.projected} numbers, got ${projected.rank}`);
	}
	const inputs = `${to - from} private inputs, ${fixed.size} of them looked up, and ${publicWires.length} public ones`;
	const note = `${inputs}; ${projected.rank} numbers compared at the challenge; ${challenges} challenges`;
	return report(target, "rigidity", to - from + publicWires.length + 1, findings, note);
}

/** Whether two gradients agree on the wires in [from, to). */
function sameOn(one: Vector, other: Vector, from: number, to: number): boolean {
	const own = [...one].filter(([wire]) => wire >= from && wire < to);
	const size = [...other.keys()].filter((wire) => wire >= from && wire < to).length;
	return own.length === size && own.every(([wire, value]) => reduce(value - (other.get(wire) ?? 0n)) === 0n);
}

/** The honest witness under another challenge. */
function rechallenged({ instance }: Target, system: Constraints, replay: Replay, challenge: bigint): bigint[] {
	const inputs = withChallenge(instance, challenge);
	const names = ["challenge", ...instance.circuit.links, ...(instance.circuit.hasWords ? ["evaluation"] : [])];
	return replay.run(new Map(names.map((name) => [system.wire(`main.${name}`), inputs[name] as bigint])));
}

function publics({ target, system, honest, replay }: Site): AttackReport {
	const { circuit } = target.instance;
	const names = [...circuit.publics, ...circuit.links, ...(circuit.hasWords ? ["evaluation"] : [])];
	const signals = names.map((name) => system.wire(`main.${name}`));
	const findings = new Set<string>();
	let tried = 0;
	for (const name of [...names, "challenge"]) {
		const wire = system.wire(`main.${name}`);
		for (const delta of [1n, -1n, 1n << 128n]) {
			const other = reduce((honest[wire] as bigint) + delta);
			const altered = [...honest];
			altered[wire] = other;
			// Under another challenge everything else may follow: that is the honest witness of another transcript.
			const witnesses = name === "challenge" ? [altered] : [altered, replay.run(new Map([[wire, other]]))];
			for (const witness of witnesses) {
				tried++;
				// With a second public signal that follows it is another statement, and may be a true one.
				const alone = signals.every((one) => one === wire || witness[one] === honest[one]);
				if (alone && system.broken(witness).length === 0) {
					findings.add(`main.${name}`);
				}
			}
		}
	}
	return report(
		target,
		"publics",
		tried,
		[...findings],
		`${[...names, "challenge"].join(", ")}: alone, and all computed wires solved again`,
	);
}

function binding({ target, system, shape, honest, replay, draws }: Site): AttackReport {
	const commitment = new Binding(target, shape, replay, honest, draws);
	const findings: string[] = [];
	const taken: string[] = [];
	let tried = 0;
	const [first] = system.privateInputs;
	const families = system.compiled.inputs.filter(({ visibility }) => visibility === "private");
	for (const { name, wire, size } of families) {
		for (const index of new Set([0, size - 1])) {
			tried++;
			const moved = wire + index;
			const forgery = commitment.forge(moved, reduce((honest[moved] as bigint) + 1n));
			const witness = forgery?.witness ?? honest.with(moved, reduce((honest[moved] as bigint) + 1n));
			const again = commitment.rechallenge({ witness });
			if (again === undefined) {
				findings.push(`main.${name}[${index}] is not committed`);
			} else if (forgery !== undefined && name !== "blind") {
				taken.push(name);
				// With another public signal it is another statement, and may be a true one.
				if (system.broken(again).length === 0 && forgery.moved.every((one) => one >= first)) {
					const along = forgery.moved.slice(1).map((one) => system.name(one));
					findings.push(`${system.name(moved)}, and ${along.join(", ")} after it, under any challenge`);
				}
			}
		}
	}
	const under = [...new Set(taken)];
	const note =
		under.length === 0
			? `${families.length} families of inputs: each is refused even when the challenge is known first`
			: `${families.length} families of inputs; if the challenge were known first, these could be forged: ${under.join(", ")}`;
	return report(target, "binding", tried, findings, note);
}

function warnings({ target, system }: Site): AttackReport {
	const { warnings: found } = system.compiled;
	return report(target, "warnings", found.length, found, "circom --inspect");
}
