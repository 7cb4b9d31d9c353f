// `node verifier-contracts/forge.ts test [...]`: forge from npm with this folder's settings, from any working directory.

import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { arch, platform } from "node:process";
import { root } from "./solc.ts";

const machine = `${platform}-${arch === "x64" ? "amd64" : arch}`;
const file = platform === "win32" ? "forge.exe" : "forge";
const binary = createRequire(import.meta.url).resolve(`@foundry-rs/forge-${machine}/bin/${file}`);
const [command = "test", ...rest] = process.argv.slice(2);
const { status } = spawnSync(binary, [command, ...rest], {
	cwd: join(root, ".."),
	stdio: "inherit",
	env: { ...process.env, FOUNDRY_CONFIG: join(root, "foundry.toml") },
});
process.exitCode = status ?? 70;
