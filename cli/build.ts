/** `npm run build`: the package as it is installed. `dist/` mirrors the repository: modules as JavaScript with types, and the files that they read. */
import { spawnSync } from "node:child_process";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generate } from "../verifier-contracts/compile.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
/** Read at run time: templates by circom, contracts and their ABIs by the deployment. */
const ASSETS = ["circuits", "verifier-contracts/src", "verifier-contracts/generated/abi", "verifier-contracts/generated/stamp"];

await generate();
await rm(dist, { recursive: true, force: true });
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
const { status } = spawnSync(process.execPath, [tsc, "-p", join(root, "tsconfig.build.json")], { stdio: "inherit" });
if (status === 0) {
	for (const asset of ASSETS) {
		await cp(join(root, asset), join(dist, asset), { recursive: true, filter: (path) => !path.endsWith(".ts") && !path.endsWith(".csv") });
	}
}
process.exitCode = status ?? 70;
