/** What a thread can be asked to do: a part of a job, from plain data to plain data. */
import type { ByteMatrix, Neighbours } from "../neighbours.ts";
import { ARITHMETICS, type ArithmeticName } from "./byte-arithmetic.ts";
import { nearest } from "./distances.ts";
import { gramPart } from "./gram.ts";

/** Some test rows. */
export interface NearestTask {
	readonly train: ByteMatrix;
	readonly test: ByteMatrix;
	readonly count: number;
	readonly arithmetic: ArithmeticName;
}

export const TASKS = {
	statistics: gramPart,
	nearest: ({ train, test, count, arithmetic }: NearestTask): Neighbours => nearest(train, test, count, ARITHMETICS[arithmetic]),
};

export type TaskName = keyof typeof TASKS;
export type Task<Name extends TaskName> = Parameters<(typeof TASKS)[Name]>[0];
export type Part<Name extends TaskName> = ReturnType<(typeof TASKS)[Name]>;
