/** Where the profile of backends lies. */
import { join } from "node:path";
import { cacheRoot } from "../../prover/artefact.ts";

export function computeProfilePath(root = cacheRoot()): string {
	return join(root, "compute", "profile.json");
}
