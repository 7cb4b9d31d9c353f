/** The noun `pool`: stored jobs of proofs. */
import { PROOFS } from "../../prover/jobs/submission.ts";
import type { JobNoun } from "../queue/place.ts";

export const POOL: JobNoun = { family: PROOFS, name: "pool", runner: "prover", gives: "proofs", done: "proven" };
