/** The attacks that an audit tries, by how much they need: names, rows that are there, knowledge of the model, nothing. */
import type { Attack } from "./attack.ts";
import { copyAttacks } from "./copy.ts";
import { flippedLabelsAttack, noiseAttack } from "./poison.ts";
import { shadowAttack } from "./shadow.ts";
import { cherryPickAttack, shapleySplitAttack, splitAttack } from "./split.ts";

export const ATTACKS: readonly Attack[] = [
	splitAttack,
	cherryPickAttack,
	shapleySplitAttack,
	...copyAttacks,
	shadowAttack,
	noiseAttack,
	flippedLabelsAttack,
];
